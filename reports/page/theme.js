// Dark or light: as the system has it, until the reader chooses.
const themeButton = document.getElementById("theme");
const isDark = () => {
  const chosen = document.documentElement.style.colorScheme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};
const nameTheme = () => (themeButton.textContent = isDark() ? "Light" : "Dark");
themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  document.documentElement.style.colorScheme = isDark() ? "light" : "dark";
  nameTheme();
});
nameTheme();
