import { type NewStack, networkIn } from "../../config/new-stack.ts";

/** Two zones, as AWS' load balancer asks for; every region has those of these letters, for most accounts. */
const letters = ["a", "b"];

export const newStack: NewStack = {
  questions: [{ flag: "region", text: "AWS region", default: "us-east-1" }],
  config: ({ region }) => ({
    "aws:region": region,
    "switchyard:network": networkIn(letters.map((letter) => `${region}${letter}`)),
  }),
};
