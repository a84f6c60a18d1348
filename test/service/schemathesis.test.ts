import { homedir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { capture } from "../../scripts/process.ts";
import { folderOf, isInstalled, serverPackages } from "../servers/cache.ts";
import { startFileApi, token } from "./file-api.ts";

const folder = folderOf(serverPackages.openapi);
const command = join(folder, "bin", "schemathesis");

const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
  "response_headers_conformance",
];

test.skipIf(!isInstalled(serverPackages.openapi))(
  "schemathesis finds no 500 and no undocumented answer",
  { timeout: 300_000 },
  async () => {
    const { app, listen, log, store } = await startFileApi({ RATE_LIMIT: "0" });
    store.files.set("appstore_games.csv", {
      content: Buffer.alloc(1),
      contentType: "text/csv",
      modified: new Date(0),
    });
    const seen = new Set<string>();
    app.addHook("onResponse", async ({ method, routeOptions }, { statusCode }) => {
      seen.add(`${method.toLowerCase()} ${routeOptions.url?.replace("*", "{name}")} ${statusCode}`);
    });
    const document = `http://127.0.0.1:${await listen()}/openapi.json`;
    const options = [
      "--header",
      `Authorization: Bearer ${token}`,
      "--max-examples",
      "40",
      "--seed",
      "1",
      "--no-color",
    ];
    const { code, stdout, stderr } = await capture(
      command,
      ["run", document, "--checks", checks.join(","), "--phases", "examples,coverage,fuzzing", ...options],
      { cwd: folder, env: { PATH: process.env.PATH, HOME: homedir() }, timeoutMs: 280_000 },
    );
    expect(`${code}\n${stderr}\n${code === 0 ? "" : stdout.slice(-4000)}`.trim()).toBe("0");
    expect(stdout).toMatch(/Tested: [1-9]/);
    const { paths } = (await app.inject("/openapi.json")).json();
    const undocumented = [...seen].filter((answer) => {
      const [method = "", path = "", status = ""] = answer.split(" ");
      const operation = paths[path]?.[method];
      return operation && !operation.responses[status];
    });
    // Every route has a `default` answer, so that the tool itself takes any status.
    expect(undocumented).toEqual([]);
    expect(seen).toContain("get /download/{name} 200");
    expect(log().filter(({ level }) => Number(level) >= 50)).toEqual([]);
  },
);
