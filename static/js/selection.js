// Studies ticked in a list: how many, and a button that needs at least one.
(() => {
  const count = () => {
    const form = document.querySelector("[data-selection]");
    if (!form) return;
    const n = form.querySelectorAll("input[name='study']:checked").length;
    form.querySelector("[data-selected]").textContent = n ? `${n} selected` : "None selected";
    form.querySelector("[data-needs-selection]").disabled = !n;
  };
  document.addEventListener("change", count);
  document.addEventListener("DOMContentLoaded", count);
  document.addEventListener("htmx:afterSwap", count);
})();
