// The application tells what it finds in the document, where the test reads it.
import { router } from "./router.js";

const fact = (name, value) => {
  const item = document.createElement("li");
  item.id = name;
  item.textContent = String(value);
  document.getElementById("facts").append(item);
};

const settled = async (what, condition, meanwhile = async () => {}) => {
  for (let i = 0; !condition(); i++) {
    if (i === 200) throw new Error(`${what} has not come`);
    await meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

const view = document.getElementById("view");
const show = router(
  [
    [/^\/$/, async () => "home"],
    [/^\/orders\/(\d+)$/, async (id) => {
      const response = await fetch(`/api/orders/${id}?full=1`, { headers: { "X-Client": "spa" } });
      const seen = await response.json();
      return `order ${id}: ${response.status} ${seen.Method} ${seen.Target} ${seen.Header["X-Client"]}`;
    }],
  ],
  view,
);

try {
  await show();
  fact("navigation", performance.getEntriesByType("navigation")[0].responseStatus);
  // What the document came by, and all that belongs to it.
  const protocols = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map((e) => e.nextHopProtocol);
  fact("protocols", [...new Set(protocols)].join(" "));
  fact("style", getComputedStyle(view).color);
  fact("missing", (await fetch("/assets/missing.js")).status);
  fact("posted", (await (await fetch("/api/orders", { method: "POST", body: "a new order" })).json()).Body);
  const large = await (await fetch("/api/pattern/3000000")).arrayBuffer();
  fact("large", large.byteLength);
  const socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/api/socket`, "echo");
  let heard = "nothing";
  socket.onopen = () => socket.send("through a tunnel");
  socket.onmessage = (event) => { heard = `${socket.protocol}: ${event.data}`; socket.close(); };
  // The clock of the test's browser runs ahead while nothing is being fetched, and does not wait for a WebSocket.
  await settled("the message", () => heard !== "nothing", () => fetch("/assets/icon.svg", { cache: "no-store" }));
  fact("socket", heard);
  await import("./missing.js").then(() => fact("module", "loaded"), () => fact("module", "failed"));

  if (location.pathname === "/") {
    document.getElementById("order").click();
    await settled("the order", () => view.textContent.startsWith("order 7"));
    fact("clicked", view.textContent);
    // From here the document is loaded anew, at a path that only the router knows.
    location.reload();
  } else {
    fact("done", location.pathname);
  }
} catch (error) {
  fact("error", error);
}
