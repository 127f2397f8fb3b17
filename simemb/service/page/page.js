// The page to search with. Texts are only ever set as text (textContent), never as markup.
"use strict";

const PAUSE = 120; // milliseconds without a key before a search
const SIDE = 400; // of a map
const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);

let names = []; // of all indexes
const maps = new Map(); // by index: a promise of its points
const drawn = new Set(); // indexes whose map is there
let searching = null; // the request that is under way
let timer = null;

function element(name, attributes = {}, text = null, kind = null) {
  const made = kind ? document.createElementNS(kind, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

async function ask(path, body, signal) {
  const headers = { "content-type": "application/json" };
  const key = sessionStorage.getItem("simemb-key");
  if (key) headers.authorization = `Bearer ${key}`;
  const how = body === undefined ? { headers, signal } : { method: "POST", body: JSON.stringify(body), headers, signal };
  const answer = await fetch(path, how);
  const content = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(content.error || `status ${answer.status}`), { status: answer.status });
  return content;
}

function say(words, wrong = false) {
  $("status").textContent = words;
  $("status").classList.toggle("error", wrong);
}

// ---- the start -------------------------------------------------------------------------------------

async function start() {
  try {
    names = Object.keys((await ask("info")).indexes);
  } catch (error) {
    $("unlock").hidden = error.status !== 401;
    say(error.status === 401 && !sessionStorage.getItem("simemb-key") ? "" : error.message, true);
    if (error.status === 401) $("key").focus();
    return;
  }
  $("unlock").hidden = true;
  if (!names.length) {
    say("This server has no index to search: start it with --index DIR, which simemb index makes.", true);
    return;
  }
  for (const id of ["search", "keys"]) $(id).hidden = false;
  $("choice").hidden = names.length < 2;
  $("index").replaceChildren(element("option", { value: "" }, "all, side by side"));
  for (const name of names) $("index").append(element("option", { value: name }, name));
  const asked = new URLSearchParams(location.hash.slice(1));
  $("query").value = asked.get("q") || "";
  $("contains").value = asked.get("contains") || "";
  $("index").value = names.includes(asked.get("index")) ? asked.get("index") : "";
  $("query").focus();
  say("");
  lay();
  search();
}

$("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("simemb-key", $("key").value);
  start();
});

// ---- a search --------------------------------------------------------------------------------------

const chosen = () => ($("index").value ? [$("index").value] : names);

async function search() {
  clearTimeout(timer);
  searching?.abort();
  const query = $("query").value.trim();
  const contains = $("contains").value;
  const asked = new URLSearchParams({ q: query });
  if (contains) asked.set("contains", contains);
  if ($("index").value) asked.set("index", $("index").value);
  history.replaceState(null, "", query ? `#${asked}` : location.pathname);
  if (!query) {
    for (const name of chosen()) show(name, [], null, new Map());
    say("");
    return;
  }
  const own = (searching = new AbortController());
  const began = performance.now();
  try {
    const k = Number($("k").value);
    const bodies = chosen().map((index) => ({ query, k, index, contains: contains || null, place: drawn.has(index) }));
    const found = await Promise.all(bodies.map((body) => ask("search", body, own.signal)));
    const ranks = found.map(({ results }) => new Map(results[0].hits.map((hit) => [hit.text, hit.rank])));
    found.forEach(({ index, results }, at) => {
      const other = ranks.length === 2 ? ranks[1 - at] : new Map();
      show(index, results[0].hits, results[0].place || null, other);
    });
    const count = Math.max(...found.map(({ results }) => results[0].hits.length));
    say(`${count} ${count === 1 ? "hit" : "hits"} in ${Math.round(performance.now() - began)} ms`);
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, true);
  }
}

for (const id of ["query", "contains"]) {
  $(id).addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE);
  });
}
$("k").addEventListener("change", search);
$("index").addEventListener("change", () => {
  lay();
  search();
});
$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});

// ---- the shelves: hits and map of each index ---------------------------------------------------------

const shelfOf = (name) => [...$("shelves").children].find((shelf) => shelf.dataset.name === name);

function lay() {
  $("shelves").className = chosen().length > 1 ? "several" : "one";
  $("shelves").replaceChildren(...chosen().map(shelf));
}

function shelf(name) {
  const made = element("section", { class: "shelf", "aria-label": `Index ${name}` });
  made.dataset.name = name;
  const head = element("header");
  head.append(element("h2", {}, name), element("p", { class: "quiet about" }, ""));
  const figure = element("figure", { hidden: "" });
  made.append(head, element("ol", { class: "hits", "aria-label": `Hits of ${name}` }), figure);
  if (!maps.has(name)) maps.set(name, ask("map", { index: name }));
  maps.get(name).then((map) => {
    draw(made, figure, map);
    drawn.add(name);
    if (made.last && made.isConnected) search(); // for the place of what was asked
  }, (error) => {
    maps.delete(name);
    figure.hidden = false;
    figure.append(element("figcaption", {}, `No map: ${error.message}`));
  });
  return made;
}

function show(name, hits, place, other) {
  const at = shelfOf(name);
  if (!at) return;
  at.querySelector("ol").replaceChildren(...hits.map((hit) => row(at, hit, other)));
  light(at, hits.map((hit) => hit.id), place);
}

function row(at, hit, other) {
  const item = element("li");
  const button = element("button", { type: "button", title: "look for texts like this" });
  const bar = element("svg", { class: "bar", viewBox: "0 0 100 3", preserveAspectRatio: "none", "aria-hidden": "true" }, null, SVG);
  bar.append(element("rect", { width: String(100 * Math.max(0, Math.min(1, hit.score))), height: "3" }, null, SVG));
  button.append(
    element("span", { class: "rank" }, String(hit.rank)),
    element("span", { class: "text" }, hit.text),
    element("span", { class: "score", "aria-label": `cosine ${hit.score.toFixed(3)}` }, hit.score.toFixed(3)),
    bar,
  );
  const beside = other.size ? (other.has(hit.text) ? `, number ${other.get(hit.text)} in the other` : ", not in the other") : "";
  button.append(element("span", { class: "note" }, `${hit.id}${beside}`));
  button.addEventListener("click", () => {
    $("query").value = hit.text;
    search();
  });
  for (const [event, on] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) {
    button.addEventListener(event, () => point(at, hit.id, on));
  }
  item.append(button);
  return item;
}

// ---- the map ---------------------------------------------------------------------------------------

function draw(at, figure, map) {
  const share = map.explained.map((part) => `${(100 * part).toFixed(1)} %`);
  const shown = map.points.length < map.count ? `${map.points.length} of ${map.count} texts` : `All ${map.count} texts`;
  at.querySelector(".about").textContent = `${map.count.toLocaleString("en")} texts, ${map.model}`;
  const picture = element("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, role: "img", "aria-label": `Map of ${shown}` }, null, SVG);
  const reach = Math.max(...map.points.flatMap(({ x, y }) => [Math.abs(x), Math.abs(y)]), 1e-9);
  at.scale = (value) => SIDE / 2 + (value / reach) * (SIDE / 2 - 12);
  at.dots = new Map();
  for (const { id, x, y, text } of map.points) {
    const dot = element("circle", { class: "dot", r: "3", cx: at.scale(x).toFixed(1), cy: at.scale(-y).toFixed(1) }, null, SVG);
    dot.text = text;
    at.dots.set(id, dot);
    picture.append(dot);
  }
  at.asked = element("circle", { class: "asked", r: "7", cx: "-99", cy: "-99" }, null, SVG);
  picture.append(at.asked);
  const tip = element("div", { class: "tip", hidden: "" });
  picture.addEventListener("pointermove", (event) => hover(at, picture, tip, event));
  picture.addEventListener("pointerdown", (event) => hover(at, picture, tip, event));
  picture.addEventListener("pointerleave", () => (tip.hidden = true));
  const words = `${shown} on the two directions in which they differ most (${share.join(" and ")} of the variance). Near on
    the map is not always near in meaning. Colored: the hits; the ring: what you asked.`;
  figure.replaceChildren(picture, tip, element("figcaption", {}, words.replace(/\s+/g, " ")));
  figure.hidden = false;
  if (at.last) light(at, ...at.last);
}

function light(at, ids, place) {
  at.last = [ids, place];
  if (!at.dots) return;
  const hits = new Set(ids);
  for (const [id, dot] of at.dots) {
    dot.classList.toggle("hit", hits.has(id));
    dot.setAttribute("r", hits.has(id) ? "5" : "3");
    if (hits.has(id)) dot.parentNode.append(dot); // above the others
  }
  at.asked.setAttribute("cx", place ? at.scale(place[0]).toFixed(1) : "-99");
  at.asked.setAttribute("cy", place ? at.scale(-place[1]).toFixed(1) : "-99");
}

function point(at, id, on) {
  const dot = at.dots?.get(id);
  if (dot) dot.classList.toggle("lit", on);
}

function hover(at, picture, tip, event) {
  const box = picture.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((length) => (length / box.width) * SIDE);
  let [nearest, least] = [null, 14 ** 2];
  for (const dot of at.dots.values()) {
    const away = (dot.cx.baseVal.value - x) ** 2 + (dot.cy.baseVal.value - y) ** 2;
    if (away < least) [nearest, least] = [dot, away];
  }
  tip.hidden = !nearest;
  if (!nearest) return;
  tip.textContent = nearest.text;
  const place = [(nearest.cx.baseVal.value / SIDE) * box.width, (nearest.cy.baseVal.value / SIDE) * box.height];
  tip.style.left = `${Math.min(place[0] + 8, box.width - tip.offsetWidth - 4)}px`;
  tip.style.top = `${place[1] + 10}px`;
}

// ---- keys ------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const typing = ["INPUT", "SELECT"].includes(document.activeElement.tagName);
  if (event.key === "/" && !typing) {
    event.preventDefault();
    $("query").focus();
  } else if (event.key === "Escape" && document.activeElement.closest(".hits")) {
    $("query").focus();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && document.activeElement.tagName !== "SELECT") {
    const hits = [...document.querySelectorAll(".hits button")];
    const next = hits.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    if (!hits.length) return;
    event.preventDefault();
    (next < 0 ? $("query") : hits[Math.min(next, hits.length - 1)]).focus();
  }
});

start();
