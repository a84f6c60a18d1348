import { expect, test } from "vitest";
import { parseUrn } from "../../operations/urn.ts";

test("a URN tells the stack, the types on the way, its own, and the name", () => {
  expect(parseUrn("urn:pulumi:dev::lab::a:b:Bucket$aws:s3/bucket:Bucket::files::x")).toEqual({
    stack: "dev",
    types: ["a:b:Bucket", "aws:s3/bucket:Bucket"],
    type: "aws:s3/bucket:Bucket",
    name: "files::x",
  });
});
