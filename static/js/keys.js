// A key presses the control that names it: `data-key` on a button, a choice or a field. Nothing else is known here.
(() => {
  const types = (element) => element.matches("input:not([type='radio'], [type='checkbox']), textarea, select");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key === "Escape") return void document.activeElement?.blur();
    if (types(event.target)) return;
    const found = [...document.querySelectorAll("[data-key]")].find(
      (element) => element.dataset.key === event.key.toLowerCase() && !element.closest("[hidden]"),
    );
    if (!found) return;
    event.preventDefault();
    if (types(found)) found.focus();
    else found.click();
  });
})();
