import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  DescribeImagesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeSubnetsCommand,
  EC2Client,
  RunInstancesCommand,
  StopInstancesCommand,
} from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Clones } from "../../../operations/clones.ts";
import { clones as kind, openClones } from "../../../providers/aws/clones.ts";
import { openImages } from "../../../providers/aws/machine-images.ts";
import { isInstalled, serverPackages } from "../../servers/cache.ts";
import { type MotoServer, startMoto } from "../../servers/moto.ts";
import { operationContext } from "../../support/operation-context.ts";
import { deployedStack } from "../../support/outputs.ts";

const userData = Buffer.from("#!/bin/sh\n").toString("base64");

describe.skipIf(!isInstalled(serverPackages.aws))("clones, against moto", { timeout: 120_000 }, () => {
  let moto: MotoServer;
  let ec2: EC2Client;
  let network: string;
  let machine: string;
  let clones: Clones;

  beforeAll(async () => {
    moto = await startMoto();
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    vi.stubEnv("AWS_ENDPOINT_URL", moto.endpoint);
    ec2 = new EC2Client({ region: moto.region });
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
    const { Images = [] } = await ec2.send(new DescribeImagesCommand({}));
    network = Subnets[0]?.VpcId ?? "";
    const { Instances = [] } = await ec2.send(
      new RunInstancesCommand({
        ImageId: Images[0]?.ImageId,
        InstanceType: "t3.small",
        MinCount: 1,
        MaxCount: 1,
        SubnetId: Subnets[0]?.SubnetId,
        UserData: userData,
        TagSpecifications: [
          {
            ResourceType: "instance",
            Tags: [
              { Key: "Name", Value: "lab-one" },
              { Key: "project_name", Value: "lab" },
            ],
          },
        ],
      }),
    );
    machine = Instances[0]?.InstanceId ?? "";
    clones = openClones(deployedStack("lab", { operator: { region: moto.region, network } }));
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto?.stop();
  });

  /** Instances that run, by what they are made of; images and snapshots of this account. */
  async function marked() {
    const Filters = [{ Name: "tag:switchyard-network", Values: [network] }];
    const { Images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ["self"], Filters }));
    const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ Filters }));
    return { clones: await clones.list(), images: Images, snapshots: Snapshots };
  }

  it("are made side by side, listed and removed; the last one takes the image along", async () => {
    const image = await clones.snapshot(machine);
    const names = ["clone-1", "clone-2", "clone-3"];
    const made = await Promise.all(names.map((name) => clones.create(image, machine, name)));
    expect(made.map(({ name, of, state }) => ({ name, of, state }))).toEqual(
      names.map((name) => ({ name, of: machine, state: "running" })),
    );

    const one = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [made[0]?.id ?? "", machine] }));
    const [clone, source] = (one.Reservations ?? [])
      .flatMap(({ Instances = [] }) => Instances)
      .sort(({ InstanceId }) => (InstanceId === machine ? 1 : -1));
    expect(clone).toMatchObject({ ImageId: image, InstanceType: "t3.small", SubnetId: source?.SubnetId });
    expect(clone?.SecurityGroups).toEqual(source?.SecurityGroups);
    expect(clone?.Tags).toContainEqual({ Key: "project_name", Value: "lab" });

    await clones.remove(["clone-1", "gone"]);
    expect((await marked()).clones.map(({ name }) => name).sort()).toEqual(["clone-2", "clone-3"]);
    expect((await marked()).images).toHaveLength(1);
    await clones.remove(["clone-2", "clone-3"]);
    expect(await marked()).toEqual({ clones: [], images: [], snapshots: [] });
  });

  it("go before their network does, and the machine stays", async () => {
    const image = await clones.snapshot(machine);
    await clones.create(image, machine, "clone-1");
    const context = operationContext("clones", AbortSignal.abort());
    const place = { network, region: moto.region };
    expect(await kind.update?.("clones", place, place, context)).toEqual({});
    expect((await marked()).clones).toHaveLength(1);
    await kind.delete?.("clones", place, context);
    await kind.delete?.("clones", place, context);
    expect(await marked()).toEqual({ clones: [], images: [], snapshots: [] });
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [machine] }));
    expect(Reservations[0]?.Instances?.[0]?.State?.Name).toBe("running");
  });

  it("an image is made of a copy that has sealed itself, and stays when the clones and the copy are gone", async () => {
    const images = openImages(deployedStack("lab", { operator: { region: moto.region, network } }));
    const making = images.create(machine, "day02-flask-api-ami");
    // Moto runs no user data: what seals a copy ends with switching it off.
    let copy: string | undefined;
    await expect
      .poll(
        async () => {
          copy = (await clones.list()).find(
            ({ name, state }) => name === `sealing-${machine}` && state === "running",
          )?.id;
          return copy;
        },
        { timeout: 30_000 },
      )
      .toBeDefined();
    const { UserData } = await ec2.send(
      new DescribeInstanceAttributeCommand({ InstanceId: copy, Attribute: "userData" }),
    );
    expect(Buffer.from(UserData?.Value ?? "", "base64").toString()).toBe(
      readFileSync(join(import.meta.dirname, "../../../release/seal.sh"), "utf8"),
    );
    await ec2.send(new StopInstancesCommand({ InstanceIds: [copy ?? ""] }));
    const image = await making;
    expect(image).toMatchObject({ name: "day02-flask-api-ami", of: machine });
    expect(await marked()).toEqual({ clones: [], images: [], snapshots: [] });
    expect(await images.list()).toMatchObject([{ id: image.id, name: "day02-flask-api-ami", of: machine }]);
    const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: [image.id] }));
    expect(Images[0]?.Tags).toContainEqual({ Key: "Name", Value: "day02-flask-api-ami" });
    await images.remove(image.id);
    await images.remove(image.id);
    expect(await images.list()).toEqual([]);
  });
});
