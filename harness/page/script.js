"use strict";
// The page works without this: it filters rows, opens what a link leads to, and copies.
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
    const matches = (name) =>
      words.every((word) => name.toLowerCase().includes(word)) && (!onlyRed.checked || red.has(name));
    for (const part of parts) part.hidden = !part.dataset.service.split("\n").some(matches);
    const count = rows.filter((row) => !row.hidden).length;
    said.textContent = count === rows.length ? "" : `${count} of ${rows.length} services`;
  };

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest("[data-service][hidden]")) {
      filter.value = "";
      onlyRed.checked = false;
      apply();
    }
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    target.scrollIntoView();
  };

  const select = (command) => {
    const range = document.createRange();
    range.selectNodeContents(command);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  };

  // A page from a server without TLS has no clipboard of its own, only the old way: what
  // is selected. Where not even that is allowed, it stays selected for the keyboard.
  const copy = async (command) => {
    try {
      await navigator.clipboard.writeText(command.textContent);
      return true;
    } catch {
      select(command);
      return document.execCommand("copy");
    }
  };

  const heard = document.createElement("span");
  heard.className = "sr";
  heard.setAttribute("role", "status");
  document.querySelector("footer").append(heard);
  for (const command of document.querySelectorAll(".command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "copy";
    button.setAttribute("aria-label", `copy ${command.dataset.what || command.textContent}`);
    button.addEventListener("click", async () => {
      const word = (await copy(command)) ? "copied" : "selected";
      button.textContent = heard.textContent = word;
      setTimeout(() => (button.textContent = "copy"), 2000);
    });
    command.after(button);
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("input", apply);
  onlyRed.addEventListener("input", apply);
  window.addEventListener("hashchange", reveal);
  apply();
  reveal();
  document.documentElement.dataset.ready = rows.length;
})();
