import { expect, test, vi } from "vitest";
import { controllerUrlOf, parseSchedulesRequest, runSchedules } from "../../scripts/schedules.ts";
import { startController } from "../service/controller/controller-api.ts";
import { at } from "../service/controller/fakes.ts";
import { token } from "../service/file-api.ts";
import { deployedStack } from "../support/outputs.ts";

const recurring = ["--cron", "0 8 * * 1-5", "--minutes", "60", "--zone", "Europe/Berlin"];
const what = ["--cluster", "cluster1", "--machines", "2", "--flavor", "standard"];

test("reads a command line", () => {
  expect(parseSchedulesRequest(["ls", "-s", "prod"])).toEqual({
    command: "ls",
    method: "GET",
    path: "/schedules",
    stack: "prod",
  });
  const days = ["--except", "2026-12-25", "--except", "2026-12-26", "--dry-run"];
  expect(parseSchedulesRequest(["add", "office hours", ...what, ...recurring, ...days])).toEqual({
    command: "add",
    method: "POST",
    path: "/schedules?dryRun=true",
    stack: "local",
    body: {
      name: "office hours",
      cluster: "cluster1",
      machines: 2,
      flavor: "standard",
      cron: "0 8 * * 1-5",
      durationMinutes: 60,
      timeZone: "Europe/Berlin",
      except: ["2026-12-25", "2026-12-26"],
    },
  });
  expect(parseSchedulesRequest(["rm", "a/b", "--at-end"]).path).toBe("/schedules/a%2Fb?when=end");
});

test.each([[[]], [["add"]], [["rm"]], [["ls", "x"]], [["rm", "a", "b"]], [["stop", "a"]]])(
  "of %j it says how it is used",
  (args) => {
    expect(() => parseSchedulesRequest(args)).toThrow(/^Usage: npm run schedules/);
  },
);

test("a stack without a controller says what to set", () => {
  expect(() => controllerUrlOf(deployedStack("lab"))).toThrow(
    "Stack lab has no controller: set switchyard:controller",
  );
  expect(controllerUrlOf(deployedStack("lab", { controllerUrl: "http://127.0.0.1:1" }))).toBe(
    "http://127.0.0.1:1",
  );
});

test("add, ls and rm on a controller", async () => {
  const { app } = await startController(at("07:30:00"));
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const run = async (...args: string[]) => {
    const printed: string[] = [];
    const print = vi.spyOn(console, "log").mockImplementation((line) => void printed.push(line));
    const logged: string[] = [];
    const context = { signal: AbortSignal.timeout(15_000), log: (line: string) => void logged.push(line) };
    try {
      await runSchedules(url, token, parseSchedulesRequest(args), context);
    } finally {
      print.mockRestore();
    }
    return { printed, logged };
  };
  expect(await run("add", "office hours", ...what, ...recurring, "--dry-run")).toEqual({
    logged: ["'office hours' would be active"],
    printed: expect.arrayContaining(["2026-03-02T07:00:00.000Z 2026-03-02T08:00:00.000Z"]),
  });
  const { printed, logged } = await run("add", "office hours", ...what, ...recurring);
  expect(logged).toEqual(["'office hours' is active"]);
  const [id = ""] = printed;
  expect((await run("ls")).printed).toEqual([
    expect.stringMatching(/^ID +STATE +MACHINES +NAME +WHEN +PROBLEM$/),
    expect.stringMatching(
      new RegExp(
        `^${id} +active +[02]/2 standard for cluster1 +office hours +0 8 \\* \\* 1-5 for 60 minutes, Europe/Berlin$`,
      ),
    ),
  ]);
  await expect(run("add", "x", ...what, "--machines", "many", ...recurring)).rejects.toThrow(
    'machines is "many"; it must be a whole number',
  );
  expect((await run("rm", id, "--at-end")).logged).toEqual([
    "'office hours' is deleted at its end, 2026-03-02T08:00:00.000Z",
  ]);
  expect((await run("rm", id)).logged).toEqual([expect.stringMatching(/^'office hours' is deleted/)]);
  await expect(run("rm", id)).rejects.toThrow(`There is no schedule ${id}`);
  await app.close();
  await expect(run("ls")).rejects.toThrow(`The controller at ${url} does not answer: `);
});
