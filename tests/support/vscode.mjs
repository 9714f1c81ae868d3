// Drives VS Code in a browser for `vscode.py`: one JSON command a line on stdin, one JSON answer a line on stdout.
import { createRequire } from "node:module";
import readline from "node:readline";

const { playwright, browser: executablePath, profile } = JSON.parse(process.argv[2]);
const { chromium } = createRequire(import.meta.url)(playwright);
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: { width: 1000, height: 600 },
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const pages = new Map();

/** The ghost text on the screen: of each line its spans, which differ by colour, in one. */
function readGhost() {
  const parts = [
    ...document.querySelectorAll(
      ".view-lines .ghost-text-decoration, .view-lines .ghost-text-decoration-preview, .suggest-preview-text .view-line",
    ),
  ];
  const lines = new Map();
  for (const part of parts.filter((one) => !parts.some((other) => other !== one && other.contains(one)))) {
    const line = part.closest(".view-line") ?? part;
    lines.set(line, (lines.get(line) ?? "") + part.textContent.replaceAll("\u00a0", " ").replaceAll("\u200b", ""));
  }
  const top = (line) => line.getBoundingClientRect().top;
  return [...lines].sort(([one], [other]) => top(one) - top(other)).map(([, text]) => text).join("\n");
}

/** Installed in every page: remembers each ghost text that was ever drawn. Looks only where something changed. */
function watch() {
  window.plumGhosts = new Set();
  window.plumLines = new Set();
  let isDue = false;
  const look = () => {
    isDue = false;
    const text = window.plumGhost?.();
    if (!text) return;
    window.plumGhosts.add(text);
    const lines = [...document.querySelectorAll(".view-lines .view-line")];
    window.plumLines.add(lines.map((line) => line.textContent).join(""));
  };
  new MutationObserver(() => {
    const text = window.plumGhost?.();
    if (text) window.plumGhosts.add(text);
    if (!isDue) requestAnimationFrame(look);
    isDue = true;
  }).observe(document, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: ["class"],
  });
}

const actions = {
  async open({ name, url }) {
    const page = await context.newPage();
    page.setDefaultTimeout(45000);
    await page.addInitScript(`window.plumGhost = ${readGhost}`);
    await page.addInitScript(watch);
    pages.set(name, page);
    await page.goto(url);
    return page.title();
  },
  press: ({ name, key }) => pages.get(name).keyboard.press(key),
  type: ({ name, text, delay }) => pages.get(name).keyboard.type(text, { delay: delay ?? 0 }),
  insert: ({ name, text }) => pages.get(name).keyboard.insertText(text),
  // From the browser's key event to the end of the first frame whose line is longer.
  async pressTimed({ name, key }) {
    const page = pages.get(name);
    await page.evaluate(() => {
      // Ghost text stands in the line, too, so it is the cursor that tells.
      const left = () => document.querySelector(".cursors-layer .cursor").getBoundingClientRect().left;
      const before = left();
      window.plumTimed = new Promise((resolve) => {
        addEventListener(
          "keydown",
          () => {
            const started = performance.now();
            const look = () => (left() > before ? resolve(performance.now() - started) : requestAnimationFrame(look));
            requestAnimationFrame(look);
          },
          { capture: true, once: true },
        );
      });
    });
    await page.keyboard.press(key);
    return page.evaluate("window.plumTimed");
  },
  wait: ({ name, selector }) => pages.get(name).waitForSelector(selector).then(() => true),
  gone: ({ name, selector }) => pages.get(name).waitForSelector(selector, { state: "hidden" }).then(() => true),
  click: ({ name, selector }) => pages.get(name).click(selector),
  hover: ({ name, selector }) => pages.get(name).hover(selector),
  evaluate: ({ name, script }) => pages.get(name).evaluate(script),
  ghost: ({ name }) => pages.get(name).evaluate("window.plumGhost()"),
  ghosts: ({ name }) => pages.get(name).evaluate("[...window.plumGhosts]"),
  screenshot: ({ name, path }) => pages.get(name).screenshot({ path }).then(() => true),
  async render({ source, path }) {
    const page = await context.newPage();
    await page.goto(source);
    await page.locator("pre").screenshot({ path });
    await page.close();
  },
  async close({ name }) {
    const page = pages.get(name);
    pages.delete(name);
    await page?.close({ runBeforeUnload: false });
  },
};

process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { action, ...rest } = JSON.parse(line);
  try {
    process.stdout.write(`${JSON.stringify({ value: (await actions[action](rest)) ?? null })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`);
  }
}
await context.close();
