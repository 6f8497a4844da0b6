// One card after the other: the next is fetched while this one is read, and shown before the server has answered.
(() => {
  const root = document.querySelector("[data-cards]");
  if (!root) return;
  const here = root.querySelector("[data-card-here]");
  const ahead = root.querySelector("[data-card-ahead]");
  const number = (place) => place.querySelector("[data-card]")?.dataset.card ?? "";
  let since = Date.now();
  let busy = Promise.resolve();

  const ask = async (address, data) => {
    const answer = await fetch(address, { method: "POST", body: data, headers: { "HX-Request": "true" } });
    return { isTaken: answer.ok && !answer.redirected, isRefused: answer.status === 422, text: await answer.text() };
  };
  const token = () => root.querySelector("[name=csrfmiddlewaretoken]").value;
  const prefetch = async () => {
    const data = new FormData();
    data.append("csrfmiddlewaretoken", token());
    data.append("open", number(here));
    const answer = await ask(root.dataset.next, data);
    if (answer.isTaken) ahead.innerHTML = answer.text;
  };
  const show = (html) => {
    here.innerHTML = html;
    since = Date.now();
    window.scrollTo(0, 0);
    (here.querySelector("[data-focus]") ?? here.querySelector("[tabindex]"))?.focus({ preventScroll: true });
  };
  const isWanting = (form, button) => {
    const wants = button.value === "exclude" && "needsReason" in form.dataset && !form.querySelector("[name=reason]:checked");
    if (wants) form.querySelector("[data-trouble]").textContent = "Choose the one primary reason first.";
    return wants;
  };
  const decide = async (form, button) => {
    if (form.dataset.isSent) return;
    form.dataset.isSent = "yes";
    await busy;
    const data = new FormData(form, button);
    data.set("seconds", Math.round((Date.now() - since) / 1000));
    const next = ahead.innerHTML;
    if (number(ahead)) data.append("ahead", number(ahead));
    if (next) show(next);
    ahead.innerHTML = "";
    const answer = await ask(form.action, data);
    if (!answer.isTaken && !answer.isRefused) return void window.location.reload();
    if (answer.isTaken && number(here) && next) return void (ahead.innerHTML = answer.text);
    show(answer.text);
    if (number(here)) await prefetch();
  };
  root.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-decide]");
    if (!form || !event.submitter) return;
    event.preventDefault();
    if (!isWanting(form, event.submitter)) busy = decide(form, event.submitter);
  });
  busy = prefetch();
})();
