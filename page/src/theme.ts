// Runs before anything is painted, so that a page in the dark does not flash.
const chosen = (() => {
  try {
    return localStorage.getItem("latentdo-theme");
  } catch {
    return null; // storage may be switched off
  }
})();
if (chosen === "light" || chosen === "dark") document.documentElement.dataset["theme"] = chosen;
