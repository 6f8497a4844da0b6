// The keys of the tagging queue. Every key presses a control that is on the page: nothing is known here.
(() => {
  const form = document.querySelector("[data-tagging]");
  if (!form) return;
  const all = () => [...form.querySelectorAll("[data-suggestion]")];
  const here = () => document.activeElement?.closest?.("[data-suggestion]");
  const go = (step) => {
    const found = all();
    const at = found.indexOf(here());
    const next = at < 0 ? found[step > 0 ? 0 : found.length - 1] : found[at + step];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  };
  const answer = (value) => {
    const line = here() ?? all()[0];
    if (!line) return;
    line.querySelector(`input[value="${value}"]`).checked = true;
    line.focus();
    go(1);
  };
  const rejectTheRest = () =>
    all().forEach((line) => {
      if (line.querySelector("input[value='accepted']").checked) return;
      line.querySelector("input[value='rejected']").checked = true;
    });
  const sayWhy = () => {
    const box = form.querySelector("[data-reason]");
    box.closest("details").open = true;
    box.focus();
  };
  const keys = {
    j: () => go(1),
    k: () => go(-1),
    a: () => answer("accepted"),
    r: () => answer("rejected"),
    l: () => answer(""),
    x: rejectTheRest,
    n: () => form.querySelector("[data-words]").focus(),
    w: sayWhy,
    s: () => form.querySelector("[data-skip]").click(),
    u: () => document.querySelector("[data-undo] button")?.click(),
    Enter: () => form.querySelector("[data-save]").click(),
  };
  document.addEventListener("keydown", (event) => {
    // The form's own first button would search for a term.
    if (event.key === "Enter" && event.target.matches("[data-reason]")) {
      event.preventDefault();
      keys.Enter();
      return;
    }
    const types = event.target.matches("input:not([type='radio'], [type='checkbox']), textarea, select");
    const acts = event.key === "Enter" && event.target.matches("a, button, summary");
    const act = keys[event.key];
    if (!act || types || acts || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  // Where nobody has keys the text comes first: the focus would scroll past it.
  const hasKeys = !matchMedia("(hover: none) and (pointer: coarse)").matches;
  if (hasKeys && !document.querySelector("[data-focus]")) go(1);
})();
