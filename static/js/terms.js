// In the box for terms: Enter takes the first that is found, Escape leaves; what is ticked moves to the added ones.
(() => {
  const box = document.querySelector("[data-words]");
  const found = document.getElementById("found");
  const added = document.getElementById("added");
  if (!box || !found || !added) return;
  const take = (tick) => {
    tick.checked = true;
    const same = added.querySelector(`input[value="${CSS.escape(tick.value)}"]`);
    if (same) same.checked = true;
    else added.append(tick.closest("li"));
    found.replaceChildren();
    box.value = "";
    box.focus();
  };
  // Enter may come before the answer to the last letter.
  let isAwaited = false;
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      box.blur();
      document.querySelector("[data-suggestion]")?.focus();
    }
    if (event.key !== "Enter") return;
    event.preventDefault();
    const first = found.querySelector("input");
    if (!box.value) box.closest("form").querySelector("[data-save]").click();
    else if (first && found.dataset.words === box.value) take(first);
    else isAwaited = true;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== found) return;
    found.dataset.words = new URLSearchParams(event.detail.pathInfo.finalRequestPath.split("?")[1]).get("words") ?? "";
    const first = found.querySelector("input");
    if (isAwaited && first) take(first);
    isAwaited = false;
  });
  found.addEventListener("change", (event) => event.target.checked && take(event.target));
})();
