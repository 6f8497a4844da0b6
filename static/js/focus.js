// An element with data-focus (an error summary) takes the focus once, when it arrives, by page load or by htmx.
(() => {
  const settle = () => {
    const element = document.querySelector("[data-focus]");
    element?.focus();
    element?.removeAttribute("data-focus");
  };
  document.addEventListener("DOMContentLoaded", settle);
  document.addEventListener("htmx:afterSwap", settle);
})();
