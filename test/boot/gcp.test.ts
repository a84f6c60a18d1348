import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plannedGrants } from "../providers/gcp/grants.ts";
import { planStack } from "../support/plan.ts";
import { makeCertificate } from "./certificate.ts";
import type { GcpServices } from "./gcp-services.ts";
import { bootSuite, useApp } from "./suite.ts";

const bucket = "files-of-test";
const hosts = ["storage.googleapis.com", "iamcredentials.googleapis.com"];
const trusted = "/etc/ssl/certs/ca-certificates.crt";
const fetched = /^\/storage\/v1\/b\/[^/]+\/o\/((?:releases|runtimes)%2F[^?]+)\?alt=media$/;

bootSuite(
  "Google Cloud",
  async () => {
    const [tls, plan] = await Promise.all([makeCertificate(hosts), planStack("gcp")]);
    const grants = plannedGrants(plan, bucket);
    const place = { BUCKET: bucket };
    return {
      startup: {
        functions: await readFile(join(import.meta.dirname, "../../providers/gcp/startup.sh"), "utf8"),
        settings: place,
        // Node.js trusts its own authorities alone.
        environment: {
          STORE: "gcs",
          ...place,
          METADATA_SERVER_DETECTION: "assume-present",
          NODE_EXTRA_CA_CERTS: trusted,
        },
      },
      instanceIds: ["8124791253456789001", "8124791253456789002"],
      files: async (image) => ({
        [trusted]: (await readFile(join(image, trusted), "utf8")) + tls.cert,
      }),
      services: (instanceId, objects) => ({
        module: join(import.meta.dirname, "gcp-services.ts"),
        input: { instanceId, grants, objects, tls } satisfies GcpServices,
        addresses: ["169.254.169.254"],
        names: hosts,
      }),
      downloads: (events) =>
        events.flatMap(({ path }) => {
          const [, key] = fetched.exec(String(path)) ?? [];
          return key === undefined ? [] : [decodeURIComponent(key)];
        }),
    };
  },
  (machine) => {
    const storage = () => machine().events.filter(({ service }) => service === "storage");

    test("what the app writes goes to the console, which is all that Google keeps of a machine's log", async () => {
      const output = await machine().run(
        "systemctl",
        "show",
        "--property=StandardOutput",
        "switchyard.service",
      );
      expect(output).toBe("StandardOutput=journal+console");
    });

    test("the app reaches its bucket out of the sandbox, with the account's tokens", async () => {
      const answer = await machine().get(5000, "/list_files");
      expect(JSON.parse(answer?.body ?? "")).toMatchObject({ status: 200, content: ["a.csv"] });
      const access = [{ permission: "storage.objects.list", prefix: "files/" }];
      expect(storage()).toContainEqual(expect.objectContaining({ access, status: 200 }));
    });

    test("the account's roles let the app do all that it offers", async () => {
      await useApp(machine(), ["a.csv"]);
      expect(storage().filter(({ status }) => status === 403)).toEqual([]);
    });

    test("what the app does needs every permission that its account has", async () => {
      const plan = await planStack("gcp");
      const used = new Set(
        storage().flatMap(({ access }) =>
          (access as { permission: string }[]).map(({ permission }) => permission),
        ),
      );
      const granted = new Set(plannedGrants(plan, bucket).flatMap(({ permissions }) => permissions));
      expect([...used].sort()).toEqual([...granted].sort());
    });
  },
);
