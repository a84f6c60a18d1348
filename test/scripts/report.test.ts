import { expect, test } from "vitest";
import { destroyReport, npmRun, upReport } from "../../scripts/report.ts";
import { deployedStack } from "../support/outputs.ts";

const others = { group: "group-1", weight: 1 };
const durations = { before: 1234, inPulumi: 5000 };

test("what to do with a stack that is up", () => {
  const outputs = {
    url: "http://127.0.0.1:8080",
    bucketName: "files-1a2b",
    release: "0123456789abcdef".repeat(4),
    clusters: {
      cluster1: { size: 5, machineType: "m4.large", path: "/cluster1", ...others },
      rest: { size: 1, machineType: "t2.large", ...others },
    },
  };
  expect(upReport(deployedStack("local", outputs), durations)).toBe(`\
Stack local is up at http://127.0.0.1:8080 after 6.2 s (5.0 s of it in pulumi up)
  curl http://127.0.0.1:8080/
  curl http://127.0.0.1:8080/healthz
  curl http://127.0.0.1:8080/cluster1  # cluster1: 5 × m4.large

  TOKEN=$(npm run --silent outputs -- adminToken --show-secrets)
  curl -H "Authorization: Bearer $TOKEN" -F file=@README.md http://127.0.0.1:8080/upload
  curl http://127.0.0.1:8080/list_files
  curl http://127.0.0.1:8080/download/README.md

  Files      files-1a2b
  Release    0123456789ab
  Machines   npm run machines
  Remove it  npm run destroy`);
});

test("commands for another stack name it", () => {
  expect(upReport(deployedStack("aws", { url: "http://lb.example" }), durations)).toContain(
    "npm run --silent outputs -- --stack aws adminToken --show-secrets",
  );
  expect(npmRun("cancel", "aws")).toBe("npm run cancel -- --stack aws");
});

test("a path that a shell would change is quoted", () => {
  const clusters = { odd: { size: 1, machineType: "m", path: "/a&b", ...others } };
  expect(upReport(deployedStack("local", { url: "http://h", clusters }), durations)).toContain(
    "curl 'http://h/a&b'  # odd",
  );
});

test("what `destroy` kept, and how to delete it for good", () => {
  const resources = [
    { urn: "urn:pulumi:aws::x::pulumi:pulumi:Stack::x-aws", type: "pulumi:pulumi:Stack" },
    { urn: "urn:pulumi:aws::x::s:i:Bucket::files", type: "s:i:Bucket", protect: true },
    {
      urn: "urn:pulumi:aws::x::s:i:Bucket$aws:s3/bucket:Bucket::files",
      type: "aws:s3/bucket:Bucket",
      id: "f-1",
      protect: true,
    },
  ];
  expect(destroyReport("aws", { resources })).toBe(`\
Kept, because they are protected:
  s:i:Bucket            files
  aws:s3/bucket:Bucket  files  f-1
To delete them for good, with all they hold: npm run destroy -- --stack aws --with-data`);
});

test("nothing left, and something left that is not protected", () => {
  const stack = { urn: "urn:pulumi:local::x::pulumi:pulumi:Stack::x-local", type: "pulumi:pulumi:Stack" };
  expect(destroyReport("local", { resources: [stack] })).toBe("Nothing is left of stack local.");
  expect(destroyReport("local", undefined)).toBe("Nothing is left of stack local.");
  const other = { urn: "urn:pulumi:local::x::a:b:C::one", type: "a:b:C", id: "1" };
  expect(destroyReport("local", { resources: [stack, other] })).toContain(
    "still has these:\n  a:b:C  one  1",
  );
});
