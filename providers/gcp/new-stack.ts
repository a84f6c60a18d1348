import { type NewStack, networkIn } from "../../config/new-stack.ts";

export const newStack: NewStack = {
  questions: [
    { flag: "project", text: "id of the Google Cloud project" },
    { flag: "zone", text: "zone", default: "us-west1-b" },
  ],
  config: ({ project, zone }) => ({ "gcp:project": project, "switchyard:network": networkIn([zone]) }),
};
