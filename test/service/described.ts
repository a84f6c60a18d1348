import { homedir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { expect } from "vitest";
import { capture } from "../../scripts/process.ts";
import { folderOf, isInstalled, serverPackages } from "../servers/cache.ts";
import { token } from "./file-api.ts";

const folder = folderOf(serverPackages.openapi);
const command = join(folder, "bin", "schemathesis");

/** Whether the tool is installed that {@link holdToDescription} needs. */
export const hasTool = isInstalled(serverPackages.openapi);

const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
  "response_headers_conformance",
];

/**
 * Sends an app, with the admin token, what its own description lets it expect and what it does not: no answer is a 5xx, or
 * has another status or shape than the description says.
 *
 * @param listen makes it listen on a port of 127.0.0.1
 * @returns every answer, as `get /path/{name} 200`
 */
export async function holdToDescription(
  app: FastifyInstance,
  listen: () => Promise<number>,
): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  app.addHook("onResponse", async ({ method, routeOptions: { url } }, { statusCode }) => {
    const path = url?.replace("*", "{name}").replace(/:(\w+)/g, "{$1}");
    seen.add(`${method.toLowerCase()} ${path} ${statusCode}`);
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
  return seen;
}
