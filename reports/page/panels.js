// Of a section's panels the chosen one is shown.
for (const select of document.querySelectorAll("select[data-panels]")) {
  const show = () => {
    for (const panel of document.querySelectorAll(`.panel[data-of="${select.dataset.panels}"]`))
      panel.hidden = panel.id !== `${select.value}-panel`;
  };
  select.addEventListener("change", show);
  show();
}
