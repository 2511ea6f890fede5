// What a static page cannot know: how old the data is today, and what the visitor looks for.
"use strict";

const DAY = 24 * 60 * 60 * 1000;

function changed(age) {
  const days = Math.floor(age / DAY);
  if (days < 1) return "in den letzten 24 Stunden geändert";
  return days === 1 ? "vor einem Tag geändert" : `vor ${days} Tagen geändert`;
}

function showFreshness(place) {
  const badge = place.querySelector(".badge");
  const age = document.createElement("span");
  age.className = "quiet";
  age.textContent = changed(Date.now() - Date.parse(place.dataset.modified));
  place.append(" ", age);
  if (place.dataset.overdue === undefined) return;
  const late = Date.now() > Date.parse(place.dataset.overdue);
  badge.classList.add(late ? "late" : "current");
  badge.textContent = late ? "Überfällig" : "Aktuell";
}

// „Bockum-Hövel“ is found by „hovel“ too, „Straße“ by „strasse“.
function folded(text) {
  return text.toLowerCase().replaceAll("ß", "ss").normalize("NFD").replace(/\p{Diacritic}/gu, "");
}

function startSearch(form) {
  const input = form.querySelector("input");
  const cards = [...document.querySelectorAll("[data-text]")].map((card) => [card, folded(card.dataset.text)]);
  const count = document.querySelector("[data-count]");
  const nothing = document.querySelector("[data-nothing]");
  const all = count.textContent;

  function filter() {
    const words = folded(input.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const [card, text] of cards) {
      card.hidden = !words.every((word) => text.includes(word));
      found += card.hidden ? 0 : 1;
    }
    count.textContent = words.length === 0 ? all : `${found} von ${cards.length} Datensätzen`;
    nothing.hidden = found > 0;
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", filter);
  input.value = new URLSearchParams(location.search).get("suche") ?? "";
  filter();
}

document.querySelectorAll("[data-freshness]").forEach(showFreshness);
document.querySelectorAll("[data-search]").forEach(startSearch);
