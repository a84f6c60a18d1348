import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json, text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { projectRoot } from "../support/project.ts";

interface Item {
  readonly id: number;
  readonly number: number;
  body: string;
  state: string;
  readonly user: { readonly type: string };
}

/** Comments of pull request 7 and issues, as far as the script asks for them. */
let items: Item[] = [];
let server: Server;
let folder: string;

beforeEach(async () => {
  items = [];
  folder = await mkdtemp(join(tmpdir(), "github-"));
  server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://github.invalid");
    const path = url.pathname.replace("/repos/me/lab", "");
    const answer = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
    if (request.headers.authorization !== "Bearer secret") return answer(401, { message: "Bad credentials" });
    const isList = path === "/issues/7/comments" || path === "/issues";
    if (isList && request.method === "GET") {
      const page = Number(url.searchParams.get("page"));
      const open = items.filter(({ state }) => state === "open");
      return answer(200, open.slice((page - 1) * 100, page * 100));
    }
    const body = (await json(request)) as Partial<Item>;
    if (isList && request.method === "POST") return answer(201, add(body.body ?? "", "Bot"));
    const known = items.find(({ id }) => [`/issues/${id}`, `/issues/comments/${id}`].includes(path));
    if (known && request.method === "PATCH") return answer(200, Object.assign(known, body));
    return answer(404, { message: "Not Found" });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return async () => {
    await rm(folder, { recursive: true });
  };
});

afterEach(() => void server.close());

function add(body: string, type: string): Item {
  const item = { id: items.length + 1, number: items.length + 1, body, state: "open", user: { type } };
  items.push(item);
  return item;
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { port } = server.address() as AddressInfo;
  const child = spawn(process.execPath, [join(projectRoot, "scripts/github.js"), ...args], {
    env: {
      GITHUB_API_URL: `http://127.0.0.1:${port}`,
      GITHUB_REPOSITORY: "me/lab",
      GITHUB_TOKEN: "secret",
      GITHUB_RUN_ID: "5",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close") as Promise<[number]>;
  const [stderr, [code]] = await Promise.all([text(child.stderr), closed]);
  return { code, stderr };
}

async function fileOf(content: string): Promise<string> {
  const file = join(folder, "comparison.md");
  await writeFile(file, content);
  return file;
}

describe("what workflows write to GitHub", { timeout: 60_000 }, () => {
  test("is one comment of a pull request, written again, whoever else comments", async () => {
    for (let index = 0; index < 120; index += 1) add(`something else ${index}`, "User");
    add("<!-- switchyard: comparison -->\nforged", "User");
    expect(await run(["comment", "7", await fileOf("first")])).toEqual({ code: 0, stderr: "" });
    expect(await run(["comment", "7", await fileOf("second")])).toEqual({ code: 0, stderr: "" });
    expect(items).toHaveLength(122);
    expect(items.at(-1)?.body).toBe("<!-- switchyard: comparison -->\nsecond");
  });

  test("is one issue of each stack that has drifted, closed when it has no more", async () => {
    await run(["drift", "aws", "failure"], { OUTPUT: "~ update" });
    await run(["drift", "gcp", "failure"], { OUTPUT: "x".repeat(100_000) });
    await run(["drift", "aws", "failure"], { OUTPUT: "- delete" });
    expect(items.map(({ body }) => body.slice(0, 35))).toEqual([
      "<!-- switchyard: drift of aws -->\nT",
      "<!-- switchyard: drift of gcp -->\nT",
    ]);
    expect(items[0]?.body).toContain("- delete");
    expect(items[1]?.body.length).toBeLessThan(65_536);
    await run(["drift", "aws", "success"]);
    expect(items.map(({ state }) => state)).toEqual(["closed", "open"]);
  });

  test("ends with what GitHub says when it refuses", async () => {
    const { code, stderr } = await run(["drift", "aws", "success"], { GITHUB_TOKEN: "other" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^GitHub answers 401 to GET \/issues.+Bad credentials/);
    expect((await run(["other"])).stderr).toMatch(/^Usage: /);
  });
});
