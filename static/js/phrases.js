// A phrase and what is suggested for it light up together: <a data-tags="3 7"> and id="tag-3".
(() => {
  const tagsOf = (element) => {
    const phrase = element.closest?.(".phrase");
    if (phrase) return phrase.dataset.tags.split(" ");
    const line = element.closest?.("[id^='tag-']");
    return line ? [line.id.slice(4)] : [];
  };
  const light = (event) => {
    const tags = tagsOf(event.target);
    if (!tags.length) return;
    document.querySelectorAll(".is-lit").forEach((lit) => lit.classList.remove("is-lit"));
    tags.forEach((tag) => {
      document.getElementById(`tag-${tag}`)?.classList.add("is-lit");
      document.querySelectorAll(`.phrase[data-tags~="${tag}"]`).forEach((phrase) => phrase.classList.add("is-lit"));
    });
  };
  document.addEventListener("focusin", light);
  document.addEventListener("mouseover", light);
})();
