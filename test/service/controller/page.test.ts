import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { bundlePage, type Page as PageBundle } from "../../../release/page.ts";
import { token } from "../file-api.ts";
import { installedBrowser, launch } from "./browser.ts";
import { type ControllerApi, startController } from "./controller-api.ts";
import { noon } from "./fakes.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

const root = join(import.meta.dirname, "../../..");
const executable = installedBrowser();
if (!executable)
  console.warn("page.test.ts is skipped: there is no Chromium; install Debian's package chromium");

const minutes = (count: number) => new Date(Date.now() + count * 60_000).toISOString();

describe.skipIf(!executable)("the page", () => {
  let browser: Browser;
  let bundle: PageBundle;

  beforeAll(async () => {
    [browser, bundle] = await Promise.all([launch(`${executable}`), bundlePage(root)]);
  });
  afterAll(async () => browser?.close());

  /** The page of a controller of its own, in a tab of its own; whatever it complains of fails the test. */
  async function open(options: BrowserContextOptions = {}, prepare = async (_api: ControllerApi) => {}) {
    const api = await startController(Date.now(), { RATE_LIMIT: "0" }, bundle.files);
    api.clock.now = Date.now();
    await prepare(api);
    const origin = await api.app.listen({ host: "127.0.0.1", port: 0 });
    const context = await browser.newContext({ timezoneId: "America/New_York", locale: "en-GB", ...options });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (line) => {
      // A refusal that the page shows is one of the browser's lines, too.
      if (line.type() === "error" && !line.text().includes("Failed to load resource"))
        complaints.push(line.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    onTestFinished(() => expect(complaints).toEqual([]));
    await page.goto(origin);
    return { api, page, origin, context };
  }

  const giveToken = async (page: Page) => {
    await page.getByLabel("Admin token").fill(token);
    await page.getByRole("button", { name: "Use it" }).click();
  };

  test("adds, shows, changes and deletes a schedule, by keyboard", async () => {
    const { api, page } = await open();
    await page.getByText("There is none yet.").waitFor();
    await page.getByRole("button", { name: "Add a schedule" }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Admin token").waitFor();
    await page.keyboard.type(token);
    await page.keyboard.press("Enter");
    const editor = page.getByRole("dialog", { name: "Add a schedule" });
    await editor.waitFor();
    await page.keyboard.type("office hours");
    await editor.getByLabel("Time zone").fill("Europe/Berlin");
    await editor.getByText("Next, in Europe/Berlin").waitFor();
    const rows = editor.getByRole("row");
    expect(await rows.count()).toBe(6);
    expect(await rows.nth(0).innerText()).toBe("Next, in Europe/Berlin\tFor you, in America/New_York");
    expect(await rows.nth(1).innerText()).toMatch(/08:00.*09:00.*\t.*0[1-4]:00/s);
    expect((await api.call("GET", "/schedules")).json.content).toEqual([]);
    await editor.getByRole("button", { name: "Save" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("'office hours' is").waitFor();
    const [made] = (await api.call("GET", "/schedules")).json.content;
    expect(made).toMatchObject({
      name: "office hours",
      cron: "0 8 * * 1,2,3,4,5",
      durationMinutes: 60,
      timeZone: "Europe/Berlin",
    });
    await page.getByText("Mon, Tue, Wed, Thu, Fri at 08:00 for 1 h (Europe/Berlin)").waitFor();

    await page.getByRole("button", { name: "Change office hours" }).click();
    const change = page.getByRole("dialog", { name: "Change a schedule" });
    await change.getByLabel("Machines").fill("3");
    await change.getByLabel("Sat").check();
    await change.getByRole("button", { name: "Save" }).click();
    await page.getByText("3 × standard for cluster1").waitFor();
    expect((await api.call("GET", "/schedules")).json.content[0]).toMatchObject({
      version: 2,
      cron: "0 8 * * 1,2,3,4,5,6",
    });

    await page.getByRole("button", { name: "Delete office hours" }).click();
    await page.getByRole("button", { name: "Delete now" }).click();
    await page.getByText("'office hours' is deleted").first().waitFor();
    await page.getByText("There is none yet.").waitFor();
  });

  test("says what a deletion stops, and lets it finish", async () => {
    const { api, page } = await open({}, async ({ call }) => {
      await call("POST", "/schedules", { ...noon, start: minutes(-5), end: minutes(60) });
    });
    await page.getByText("2 × standard for cluster1, 2 running").waitFor();
    await page.getByRole("button", { name: "Delete lunch" }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.innerText()).toContain(
      "'lunch' is active: 2 of its 2 machines run. They finish their requests, and stop.",
    );
    await page.keyboard.press("Escape");
    expect((await api.call("GET", "/schedules")).json.content).toHaveLength(1);
    await page.getByRole("button", { name: "Delete lunch" }).click();
    await page.getByRole("button", { name: "Delete at its end" }).click();
    await giveToken(page);
    await page.getByText("active, then deleted").waitFor();
  });

  test("shows a refusal in the form, and keeps what is in it", async () => {
    const { page } = await open();
    await page.getByRole("button", { name: "Add a schedule" }).click();
    await giveToken(page);
    await page.getByRole("textbox", { name: "Name" }).fill("too much");
    await page.getByRole("spinbutton", { name: "Machines" }).fill("11");
    await page.getByText("machines is 11; there may be 10 extra machines in all").waitFor();
    await page.getByLabel("Once").check();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText('start is ""; it must be a date and time').waitFor();
    expect(await page.getByRole("textbox", { name: "Name" }).inputValue()).toBe("too much");
  });

  test("keeps the token in this tab alone, and no text is taken for markup", async () => {
    const name = '<img src="x" onerror="document.title=1">';
    const { page, origin, context } = await open({}, async ({ call }) => {
      await call("POST", "/schedules", { ...noon, name, start: minutes(-5), end: minutes(60) });
    });
    await page.getByText(name).first().waitFor();
    await page.getByRole("button", { name: "Token" }).click();
    await giveToken(page);
    await page.reload();
    expect(await page.evaluate(() => sessionStorage.getItem("admin-token"))).toBe(token);
    expect(
      await page.evaluate("JSON.stringify([{ ...localStorage }, document.cookie, location.href])"),
    ).not.toContain(token);
    const other = await context.newPage();
    await other.goto(origin);
    expect(await other.evaluate(() => sessionStorage.getItem("admin-token"))).toBeNull();
    expect(await page.title()).toBe("Peak hours");
  });

  test("runs nothing that stands in it, and loads nothing from elsewhere", async () => {
    const { page } = await open();
    const policy = (await page.reload())?.headers()["content-security-policy"] ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    const html = Buffer.from(bundle.files["index.html"]).toString();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc="page\.js")|\sstyle=|\son\w+=|https?:/);
  });

  test.each(["light", "dark"] as const)("fits a phone, %s", async (colorScheme) => {
    const { page } = await open({ colorScheme, viewport: { width: 360, height: 740 } }, async ({ call }) => {
      await call("POST", "/schedules", { ...noon, start: minutes(-5), end: minutes(60) });
      await call("POST", "/schedules", {
        ...noon,
        name: "office hours with a name that is rather long for a phone",
        flavor: "large",
        start: undefined,
        end: undefined,
        cron: "0 8 * * 1-5",
        durationMinutes: 540,
        timeZone: "America/Argentina/ComodRivadavia",
      });
    });
    await page.getByText("2 × standard for cluster1, 2 running").waitFor();
    const overflow = () =>
      page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    expect(await overflow()).toBe(0);
    const shots = process.env.SCREENSHOTS;
    if (shots) await page.screenshot({ path: join(shots, `list-${colorScheme}.png`), fullPage: true });
    await page.getByRole("button", { name: "Add a schedule" }).click();
    await giveToken(page);
    await page.getByRole("textbox", { name: "Name" }).fill("office hours");
    await page.getByLabel("Time zone").fill("Asia/Kathmandu");
    await page.getByText("Next, in Asia/Kathmandu").waitFor();
    const dialog = page.getByRole("dialog");
    expect(
      await dialog.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth),
    ).toBeLessThanOrEqual(0);
    if (shots) await page.screenshot({ path: join(shots, `form-${colorScheme}.png`) });
    const [text, back] = await page.evaluate<string[]>(
      "(({ color, backgroundColor }) => [color, backgroundColor])(getComputedStyle(document.querySelector('dialog[open]')))",
    );
    expect(contrast(text, back)).toBeGreaterThan(7);
  });

  test("is usable with 1,000 schedules", async () => {
    const { page } = await open({}, async ({ store }) => {
      const schedules = Array.from({ length: 1000 }, (_, index) => ({
        id: `s-${index}`,
        version: 1,
        source: "api",
        created: index,
        schedule: {
          name: `schedule ${index}`,
          cluster: "cluster1",
          machines: 1,
          flavor: "standard",
          cron: `${index % 60} ${index % 24} * * 1`,
          durationMinutes: 30,
          timeZone: "Europe/Berlin",
        },
      }));
      await store.replace("schedules.json", Buffer.from(JSON.stringify({ format: 1, schedules })), {
        signal: AbortSignal.timeout(10_000),
      });
    });
    await page.getByText("940 more schedules ask for machines in this week.").waitFor({ timeout: 60_000 });
    expect(await page.locator("#list > li").count()).toBe(50);
    await page.getByLabel("Find").fill("schedule 777");
    await page.getByText("schedule 777").first().waitFor();
    expect(await page.locator("#list > li").count()).toBe(1);
  });
});

/** WCAG's contrast of two colours as `rgb(r, g, b)`. */
function contrast(one = "", other = ""): number {
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/\d+(\.\d+)?/g) ?? []).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}
