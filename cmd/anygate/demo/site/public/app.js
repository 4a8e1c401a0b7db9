"use strict";

const at = (id) => document.getElementById(id);

// The facts above the fold come from a first request, and from what the browser measured of it.
async function facts() {
  at("fact-path").textContent = location.pathname;
  const began = performance.now();
  const response = await fetch("/healthz", { cache: "no-store" });
  await response.text();
  const took = performance.now() - began;
  const entry = performance.getEntriesByType("resource").findLast((e) => new URL(e.name).pathname === "/healthz");
  at("fact-server").textContent = response.headers.get("Server") ?? "AnyGate";
  at("fact-protocol").textContent = { "http/1.1": "HTTP/1.1", h2: "HTTP/2", h3: "HTTP/3" }[entry?.nextHopProtocol] ?? "HTTP";
  at("fact-time").textContent = took.toFixed(1) + " ms";
}

async function config() {
  const response = await fetch("/config");
  const text = await response.text();
  at("config").replaceChildren(...text.trimEnd().split("\n").flatMap((line) => [...painted(line), "\n"]));
}

// painted colours a line of the configuration: keys, and comments outside quotes.
function painted(line) {
  const hash = line.search(/(^|\s)#/);
  const comment = hash < 0 ? "" : line.slice(hash);
  const rest = hash < 0 ? line : line.slice(0, hash);
  const key = rest.match(/^\s*(?:"[^"]*"|[\w-]+)(?=:)/)?.[0] ?? "";
  return [span("key", key), rest.slice(key.length), span("comment", comment)];
}

function span(name, text) {
  const s = document.createElement("span");
  s.className = name;
  s.textContent = text;
  return s;
}

async function ask(button) {
  for (const b of document.querySelectorAll(".asks button")) {
    b.setAttribute("aria-pressed", String(b === button));
  }
  const { method, path, body, accept } = button.dataset;
  const headers = { Accept: accept ?? "application/json, text/plain;q=0.9" };
  if (body) {
    headers["Content-Type"] = "application/json";
  }
  const began = performance.now();
  try {
    const response = await fetch(path, { method, body, headers, cache: "no-store" });
    const text = await response.text();
    const took = performance.now() - began;
    const moved = response.redirected ? " after a redirect to " + new URL(response.url).pathname : "";
    show(response.status, `${response.status} ${response.statusText}${moved}, ${took.toFixed(1)} ms`,
      [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n"), pretty(text));
  } catch (error) {
    show(0, String(error), "", "");
  }
}

function show(status, line, fields, content) {
  const s = at("status");
  s.dataset.class = String(Math.floor(status / 100));
  s.textContent = line;
  at("fields").textContent = fields;
  at("content").textContent = content;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text.trimEnd();
  }
}

for (const button of document.querySelectorAll(".asks button")) {
  button.addEventListener("click", () => ask(button));
}
config();
facts().then(() => ask(document.querySelector(".asks button")));
