// <button data-copy="selector"> copies the text of that element, or of each [data-copy-text] within it, one a line.
(() => {
  if (!navigator.clipboard) return;
  const status = document.querySelector("[data-copy-status]");
  const say = (words) => status && (status.textContent = words);
  document.querySelectorAll("[data-copy], [data-copy-bar]").forEach((part) => part.removeAttribute("hidden"));
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy);
    const parts = source.matches("[data-copy-text]") ? [source] : [...source.querySelectorAll("[data-copy-text]")];
    try {
      await navigator.clipboard.writeText(parts.map((part) => part.textContent.trim()).join("\n"));
      say(parts.length > 1 ? `${parts.length} references copied` : "Reference copied");
    } catch {
      say("The browser does not allow copying: select the text instead");
    }
  });
})();
