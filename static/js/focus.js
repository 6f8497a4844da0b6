// An element with data-focus (an error summary) takes the focus when it arrives, by page load or by htmx.
(() => {
  const settle = () => document.querySelector("[data-focus]")?.focus();
  document.addEventListener("DOMContentLoaded", settle);
  document.addEventListener("htmx:afterSwap", settle);
})();
