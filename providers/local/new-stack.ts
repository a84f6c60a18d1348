import type { NewStack } from "../../config/new-stack.ts";

export const newStack: NewStack = { questions: [], config: () => ({}) };
