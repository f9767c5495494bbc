// A worker of a Tideway pool.
import { implement, servePool } from "tideway";
import { compute, TASKS } from "../contract.ts";

servePool({ services: [implement(TASKS, { add: ([a, b]) => a + b, compute })] });
