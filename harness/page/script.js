"use strict";
// The page works without this: it filters rows, and opens what a link leads to.
(() => {
  const form = document.querySelector("form.filter");
  const filter = document.getElementById("filter");
  const onlyRed = document.getElementById("only-red");
  const said = document.getElementById("filtered");
  const parts = [...document.querySelectorAll("[data-service]")];
  const rows = parts.filter((part) => part.closest("#matrix"));

  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const red = new Set(rows.filter((row) => row.hasAttribute("data-red")).map((row) => row.dataset.service));
    const shown = (part) => {
      const name = part.dataset.service.toLowerCase();
      return words.every((word) => name.includes(word)) && (!onlyRed.checked || red.has(part.dataset.service));
    };
    for (const part of parts) part.hidden = !shown(part);
    const count = rows.filter((row) => !row.hidden).length;
    said.textContent = count === rows.length ? "" : `${count} of ${rows.length} services`;
  };

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    target.scrollIntoView();
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("input", apply);
  onlyRed.addEventListener("input", apply);
  window.addEventListener("hashchange", reveal);
  apply();
  reveal();
  document.documentElement.dataset.ready = rows.length;
})();
