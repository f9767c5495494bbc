import { type Contract, contract, type Method, type Schema, type, unary } from "../rpc/contract.ts";
import { implement, type Service } from "../rpc/service.ts";

/** The method that `tideway bench` calls. */
export type EchoMethod = Method<"unary", Schema<unknown>, Schema<unknown>, Readonly<Record<never, Schema>>>;

/** What `tideway bench` calls: `tideway.bench.echo` answers with what it was given. */
export const BENCH: Contract<{ readonly tideway: { readonly bench: { readonly echo: EchoMethod } } }> =
  contract({
    tideway: { bench: { echo: unary({ input: type<unknown>(), output: type<unknown>() }) } },
  });

/**
 * Lets `tideway bench` measure a server. It holds no state and does no work but the answer; who may open a session may
 * call it, so leave it out where that is everybody.
 *
 *     await serve({ listen: ["ws://127.0.0.1:8080"], services: [benchService] });
 */
export const benchService: Service = implement(BENCH, {
  tideway: { bench: { echo: (message) => message } },
});
