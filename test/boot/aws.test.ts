import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { AwsServices } from "./aws-services.ts";
import { makeCertificate } from "./certificate.ts";
import { bootSuite } from "./suite.ts";

const bucket = "lab1-files-0123456";
const region = "us-east-1";
const host = `${bucket}.s3.${region}.amazonaws.com`;
const trusted = "/etc/ssl/certs/ca-certificates.crt";

bootSuite(
  "AWS",
  async () => {
    const tls = await makeCertificate([host]);
    const location = { BUCKET: bucket, AWS_REGION: region };
    return {
      startup: {
        functions: await readFile(join(import.meta.dirname, "../../providers/aws/startup.sh"), "utf8"),
        settings: location,
        // Node.js trusts its own authorities alone.
        environment: { STORE: "s3", ...location, DEREGISTER_SECONDS: 0, NODE_EXTRA_CA_CERTS: trusted },
      },
      instanceIds: ["i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa2"],
      files: async (image) => ({
        [trusted]: (await readFile(join(image, trusted), "utf8")) + tls.cert,
      }),
      services: (instanceId, objects) => ({
        module: join(import.meta.dirname, "aws-services.ts"),
        input: { instanceId, bucket, objects, tls } satisfies AwsServices,
        addresses: ["169.254.169.254"],
        names: [host],
      }),
      downloads: (events) =>
        events
          .filter(({ service, path }) => service === "s3" && /^\/(releases|runtimes)\//.test(String(path)))
          .map(({ path }) => String(path).slice(1)),
    };
  },
  (machine) => {
    test("the app reaches its bucket out of the sandbox, with the role's credentials", async () => {
      const answer = await machine().get(5000, "/list_files");
      expect(JSON.parse(answer?.body ?? "")).toMatchObject({ status: 200, content: ["a.csv"] });
      expect(machine().events).toContainEqual({
        service: "s3",
        path: expect.stringContaining("list-type=2"),
        status: 200,
      });
    });
  },
);
