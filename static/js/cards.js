// One card after the other: the next is fetched while this one is read, and shown before the server has answered.
// A decision that was not kept brings its card back with what was entered; a refused one is told beside the next card.
(() => {
  const root = document.querySelector("[data-cards]");
  if (!root) return;
  const here = root.querySelector("[data-card-here]");
  const ahead = root.querySelector("[data-card-ahead]");
  const notice = root.querySelector("[data-cards-notice]");
  const number = (place) => place.querySelector("[data-card]")?.dataset.card ?? "";
  let since = Date.now();
  let nWaiting = 0; // decisions that are not on their way yet
  let nUnanswered = 0;
  let busy = Promise.resolve(true); // the decision before is answered: whether it was taken

  // A decision outlives its page: `keepalive` sends it on when somebody follows a link in that moment.
  const ask = async (address, data) => {
    try {
      const answer = await fetch(address, {
        method: "POST", body: data, headers: { "HX-Request": "true" }, keepalive: true,
      });
      const isTaken = answer.ok && !answer.redirected;
      return { isTaken, isRefused: answer.status === 422, status: answer.status, text: await answer.text() };
    } catch {
      return { isTaken: false, isRefused: false, status: 0, text: "" };
    }
  };
  const token = () => root.querySelector("[name=csrfmiddlewaretoken]").value;
  const prefetch = async () => {
    const data = new FormData();
    data.append("csrfmiddlewaretoken", token());
    data.append("open", number(here));
    const answer = await ask(root.dataset.next, data);
    if (answer.isTaken) ahead.innerHTML = answer.text;
    return true;
  };
  const show = (nodes, at = Date.now()) => {
    here.replaceChildren(...nodes);
    since = at;
    window.scrollTo(0, 0);
    (here.querySelector("[data-focus]") ?? here.querySelector("[tabindex]"))?.focus({ preventScroll: true });
  };
  const made = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };
  const tell = (text, address) => {
    notice.textContent = text;
    notice.hidden = !text;
    if (!address) return;
    const link = document.createElement("a");
    link.href = address;
    link.textContent = "Open that report again";
    notice.append(" ", link);
  };
  const fault = ({ status }) => {
    if (!status) return "The site could not be reached: this decision may not be kept. Decide again.";
    if (status >= 500) return `The site answered with an error (${status}): this decision may not be kept. Decide again.`;
    return "This decision is not kept: you are signed out, or may not decide here any more. Reload the page to see.";
  };
  const isWanting = (form, button) => {
    const wants = button.value === "exclude" && "needsReason" in form.dataset && !form.querySelector("[name=reason]:checked");
    if (wants) form.querySelector("[data-trouble]").textContent = "Choose the one primary reason first.";
    return wants;
  };

  const decide = async (form, button) => {
    nWaiting += 1;
    await busy;
    nWaiting -= 1;
    // The decision before was not kept, and its card is back in place of this one.
    if (!here.contains(form)) {
      delete form.dataset.isSent;
      return false;
    }
    const data = new FormData(form, button);
    const begun = since;
    data.set("seconds", Math.round((Date.now() - begun) / 1000));
    if (number(ahead)) data.append("ahead", number(ahead));
    const card = [...here.childNodes];
    const hasNext = ahead.childNodes.length > 0;
    if (hasNext) show([...ahead.childNodes]);
    const answer = await ask(form.action, data);
    if (!answer.isTaken && !answer.isRefused) {
      if (hasNext) {
        ahead.replaceChildren(...here.childNodes);
        show(card, begun);
      }
      delete form.dataset.isSent;
      form.querySelector("[data-trouble]").textContent = fault(answer);
      return false;
    }
    if (hasNext && number(here)) {
      if (answer.isTaken) {
        tell("");
        ahead.innerHTML = answer.text;
      } else {
        const why = [...made(answer.text).querySelectorAll(".error-summary li")].map((one) => one.textContent.trim());
        tell(`Your last decision was not taken. ${why.join(" ")}`, form.action);
        await prefetch();
      }
      return answer.isTaken;
    }
    tell("");
    show(made(answer.text).childNodes);
    if (number(here)) await prefetch();
    return answer.isTaken;
  };
  // A decision that was not taken is not taken back, and no earlier one in its stead.
  const takeBack = async (form) => {
    const isWaiting = nUnanswered > 0;
    if ((await busy) || !isWaiting) form.submit();
  };

  root.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-decide]");
    if (!form || !event.submitter) return;
    event.preventDefault();
    if (form.dataset.isSent || isWanting(form, event.submitter)) return;
    form.dataset.isSent = "yes";
    form.querySelector("[data-trouble]").textContent = "";
    nUnanswered += 1;
    busy = decide(form, event.submitter).finally(() => (nUnanswered -= 1));
  });
  document.querySelector("[data-take-back]")?.addEventListener("submit", (event) => {
    event.preventDefault();
    takeBack(event.target);
  });
  window.addEventListener("beforeunload", (event) => {
    if (nWaiting) event.preventDefault();
  });
  busy = prefetch();
})();
