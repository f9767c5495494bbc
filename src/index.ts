/** What works in every runtime: everything but dialing, which the entry of the runtime adds as `connect`. */
export { type Bytes, EMPTY } from "./core/bytes.ts";
export { type Codec, DEFAULT_DECODE_LIMITS, type DecodeLimits } from "./core/codecs/codec.ts";
export { json, jsonCodec } from "./core/codecs/json.ts";
export { rawCodec as raw } from "./core/codecs/raw.ts";
export {
  ErrorCode,
  type ErrorName,
  ProtocolError,
  StateError,
  StreamError,
  StreamLostError,
  type StreamProgress,
  TransportError,
  WireError,
} from "./core/errors.ts";
export { DEFAULT_LIMITS, type Limits } from "./core/limits.ts";
export { DEFAULT_RESUME_LIMITS, type ResumeLimits } from "./core/resume/resume-registry.ts";
export type { Hello } from "./core/wire/hello.ts";
export { CallStream } from "./rpc/call-stream.ts";
export {
  type Caller,
  type CallOptions,
  type Client,
  type ClientMiddleware,
  type ClientOptions,
  ClientStreamCall,
  client,
  type OutgoingCall,
  type StreamCallOptions,
} from "./rpc/client.ts";
export { CallContext } from "./rpc/context.ts";
export {
  type Contract,
  clientStream,
  contract,
  duplex,
  type ErrorMap,
  type InputOf,
  type Method,
  type MethodOptions,
  type MethodTree,
  type OutputOf,
  type Schema,
  type Shape,
  serverStream,
  type,
  type UnaryOptions,
  unary,
} from "./rpc/contract.ts";
export { CallError, type ErrorOf, errorOf } from "./rpc/errors.ts";
export type { HostOptions, Server, ServerCloseOptions } from "./rpc/host.ts";
export {
  DEFAULT_IDEMPOTENCY,
  type IdempotencyCounters,
  type IdempotencyOptions,
  IdempotencyWindow,
} from "./rpc/idempotency.ts";
export {
  type Handler,
  type Handlers,
  type ImplementOptions,
  type Incoming,
  implement,
  type Middleware,
  type Outgoing,
  type Service,
} from "./rpc/service.ts";
export { type AcceptOptions, type AuthenticateRequest, accept } from "./session/accept.ts";
export type { AdmissionOptions } from "./session/admission.ts";
export type { BackoffOptions } from "./session/backoff.ts";
export { type ConnectOptions, connectWith } from "./session/connect.ts";
export type { Dial } from "./session/dialing.ts";
export {
  DatagramEvent,
  GoAwayEvent,
  MigratedEvent,
  type ResumeOutcome,
  type ResumeReason,
  type SessionEventMap,
  type SessionState,
  StateChangeEvent,
} from "./session/events.ts";
export { type ListenOptions, MessageStream } from "./session/message-stream.ts";
export type { CloseOptions, Credentials, SessionOptions } from "./session/options.ts";
export {
  type Contender,
  type ContenderResult,
  choiceOf,
  Race,
  type RaceOptions,
  type TransportChoice,
} from "./session/race.ts";
export { Session } from "./session/session.ts";
export type { SessionStats, SessionTotals } from "./session/session-stats.ts";
export { SessionStore, type SessionStoreOptions, type SessionStoreStats } from "./session/store.ts";
export type { LaneChoice, StreamOptions } from "./session/stream-options.ts";
export type {
  CarrierChoice,
  PortAcceptOptions,
  PortConnectOptions,
  ThreadTransport,
  WorkerConnectOptions,
  WorkerDialOptions,
  WorkerServer,
} from "./threads/options.ts";
export { taskKey } from "./threads/pool/contract.ts";
export { DEFAULT_MAX_KEYS, KeyedState, type KeyedStateOptions } from "./threads/pool/keyed-state.ts";
export {
  type Affinity,
  DEFAULT_BATCH,
  DEFAULT_MAX_RESTARTS,
  DEFAULT_QUEUE_CAPACITY,
  type PoolOptions,
  type PoolStats,
  type PoolWorkerStats,
  type TaskOptions,
  type WorkerState,
} from "./threads/pool/options.ts";
export {
  consistentHashPartitioner,
  DEFAULT_VIRTUAL_NODES,
  hashKey,
  hashPartitioner,
  type Partitioner,
  type PartitionKey,
  roundRobinPartitioner,
} from "./threads/pool/partitioner.ts";
export type { WorkerPool } from "./threads/pool/pool.ts";
export { type PoolServiceOptions, poolService } from "./threads/pool/service.ts";
export type { StreamTaskOptions, TaskCaller, Tasks, TryTaskCaller, TryTasks } from "./threads/pool/tasks.ts";
export type { WorkerLike } from "./threads/worker.ts";
export { type MemoryPair, memoryPair } from "./transports/memory.ts";
export { type MessagePortOptions, MessagePortTransport, type PortLike } from "./transports/message-port.ts";
export { makeRingPair, type RingOptions, type RingPair, RingTransport } from "./transports/ring.ts";
export type {
  Transport,
  TransportCapabilities,
  TransportEvents,
  TransportName,
} from "./transports/transport.ts";
