import { randomBytes } from "node:crypto";
import { Ticker } from "../../audio/ticker.ts";
import type { Clock } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import { Allowance } from "../allowance.ts";
import type { Reception } from "../leg.ts";
import type { CallOrder, Dialler, PlacedCall } from "../outbound.ts";
import type { AgentOf } from "./agents.ts";
import { allowedMethods, supportedExtensions, type CallParts, type DialogOwner } from "./call-parts.ts";
import { Consultation, type Speech } from "./consultation.ts";
import { DigestGate, type Credentials } from "./digest.ts";
import { Exchange, type ExchangeEar, type Incoming } from "./exchange.ts";
import { InboundCall, refusalOf } from "./inbound.ts";
import type { SipRequest } from "./message/message.ts";
import { responseTo, tagOf } from "./message/respond.ts";
import { bracketed } from "./message/uri.ts";
import { OutboundCall } from "./outbound.ts";
import { Peers } from "./peers.ts";
import { Registration } from "./registration.ts";
import type { CodecName } from "./rtp/codecs.ts";
import type { LineQuality } from "./rtp/media.ts";
import { RtpPorts, type PortRange } from "./rtp/ports.ts";
import { srtpKeyBytes } from "./rtp/srtp.ts";
import type { ServerTransaction } from "./transaction.ts";
import { registrarOf, type Trunk } from "./trunk.ts";
import { addressFacing } from "./wire/locate.ts";
import { openStream, type TlsIdentity } from "./wire/stream.ts";
import { openUdp } from "./wire/udp.ts";
import type { Hop, TransportName, Wire, WireEar } from "./wire/wire.ts";

export interface SipOptions {
  /** Where to listen; 0.0.0.0 for every network. */
  readonly host: string;
  /** For UDP and TCP; 0 takes a free one. */
  readonly port: number;
  /** How peers reach us from outside, where that is another address. */
  readonly publicHost: string | undefined;
  readonly tls: (TlsIdentity & { readonly port: number }) | undefined;
  readonly rtpPorts: PortRange;
  /** Who may call without saying who they are: addresses and networks. */
  readonly peers: readonly string[];
  /** What everybody else has to know; undefined: nobody else may call. */
  readonly credentials: Credentials | undefined;
  readonly codecs: readonly CodecName[];
  /** Through whom numbers are called; its calls are taken too. */
  readonly trunk: Trunk | undefined;
  readonly agentOf: AgentOf;
  readonly answerLimitMs: number;
}

export interface SipParts {
  readonly reception: Reception;
  /** Why no call is taken just now; undefined: calls are taken. */
  readonly refusal: () => Fault | undefined;
  /** Told of each call that is not taken because of it. */
  readonly rejected: (code: Fault["code"]) => void;
  /** Told of who is no peer of ours, or shows a wrong password; of a flood of strangers, of as many as are answered. */
  readonly unproven: (lacking: "address" | "password", address: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Told once of every line that was given up. */
  readonly ended: (quality: LineQuality) => void;
  /** For what people are told before a caller is put through to them; undefined: this house cannot speak. */
  readonly speech: Speech | undefined;
}

const realm = "linekeeper";
/** Strangers get so many answers a second in all; the rest of a scan is not worth the packets. */
const strangerAnswersPerSecond = 20;
/** How long goodbyes may take when the house closes. */
const farewellLimitMs = 500;
const freePortTries = 10;
/** An address of the documentation range: whoever asks how we are reached comes from somewhere else. */
const elsewhere = "192.0.2.1";

/** Our end of all SIP calls of this node. */
export class SipEndpoint implements ExchangeEar, WireEar, Dialler {
  readonly carrier = "sip";
  readonly #options: SipOptions;
  readonly #parts: SipParts;
  readonly #peers: Peers;
  readonly #gate: DigestGate | undefined;
  readonly #exchange: Exchange;
  readonly #callParts: CallParts;
  readonly #wires: Wire[] = [];
  /** By Call-ID and our tag. */
  readonly #calls = new Map<string, DialogOwner>();
  readonly #arriving = new Map<ServerTransaction, InboundCall>();
  readonly #strangerAnswers: Allowance;
  readonly #registration: Registration | undefined;
  #isClosing = false;
  /** Requests from whom we do not know. */
  strangers = 0;

  constructor(options: SipOptions, parts: SipParts) {
    const { clock, random, speech } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#peers = new Peers(options.peers);
    this.#gate = options.credentials && new DigestGate(realm, options.credentials, clock, random);
    this.#strangerAnswers = new Allowance(strangerAnswersPerSecond, strangerAnswersPerSecond, clock.now());
    this.#exchange = new Exchange({ clock, random, sentBy: (hop) => this.#ownAddress(hop) }, this);
    this.#callParts = {
      exchange: this.#exchange,
      media: { ports: new RtpPorts(options.host, options.rtpPorts), clock, beat: new Ticker(clock), random },
      reception: parts.reception,
      clock,
      random,
      log: parts.log,
      codecs: options.codecs,
      agentOf: options.agentOf,
      answerLimitMs: options.answerLimitMs,
      ownAddress: (hop) => this.#ownAddress(hop),
      register: (call) => this.#register(call),
      ended: parts.ended,
      consult:
        speech === undefined
          ? undefined
          : (order, ear) => new Consultation({ call: this.#callParts, trunk: options.trunk, speech, keyAndSalt: newKey }, order, ear),
    };
    this.#registration = options.trunk?.register === true ? new Registration(this.#callParts, options.trunk) : undefined;
  }

  /**
   * On UDP and TCP, and on TLS where there is a certificate.
   * @throws {Fault} setting-invalid, in words for the operator
   */
  async listen(): Promise<void> {
    const { host, port, tls } = this.#options;
    const { clock } = this.#parts;
    try {
      await this.#listenPlain(port === 0 ? freePortTries : 1);
      if (tls !== undefined) this.#attach(await openStream({ host, port: tls.port, tls, clock }, this));
    } catch (error) {
      await this.#closeWires();
      throw cannotListen(error, host, port);
    }
    if (this.#options.trunk !== undefined) await this.#knowTrunk(this.#options.trunk);
    this.#registration?.start();
  }

  async place(order: CallOrder): Promise<PlacedCall> {
    if (this.#isClosing) throw new Fault("draining", "this server is closing");
    const call = await OutboundCall.place(this.#callParts, order, this.#options.trunk, newKey(), () => {});
    return { carrier: this.carrier, carrierCallId: call.callId };
  }

  /** Where callers reach us, the plain one first. */
  get uris(): readonly string[] {
    const host = bracketed(this.#options.publicHost ?? (isAny(this.#options.host) ? addressFacing(elsewhere) : this.#options.host));
    return this.#wires
      .filter((wire) => wire.transport !== "tcp")
      .map((wire) => `sip:linekeeper@${host}:${wire.port}${wire.transport === "udp" ? "" : `;transport=${wire.transport}`}`);
  }

  /** Calls that were accepted and are not over. */
  get size(): number {
    return this.#calls.size;
  }

  received(bytes: Buffer, from: Hop): void {
    try {
      this.#exchange.received(bytes, from);
    } catch (error) {
      // One message must not take the other calls with it.
      this.#parts.log.error("leg_failed", { dialect: "sip", code: "internal", err: error });
    }
  }

  /** May this address open a connection? */
  admits(address: string): boolean {
    return this.#gate !== undefined || this.#peers.includes(address);
  }

  welcomes(request: SipRequest, { address }: Hop, refuse: (status: number) => void): boolean {
    if (this.admits(address) || this.#callOf(request) !== undefined) return true;
    this.strangers += 1;
    if (this.#strangerAnswers.take(1, this.#parts.clock.now())) {
      this.#parts.unproven("address", address);
      this.#parts.log.info("leg_refused", {
        dialect: "sip",
        code: "caller-refused",
        message: `SIP from ${address}, which SIP_PEERS does not name`,
      });
      if (request.method !== "ACK") refuse(403);
    }
    return false;
  }

  request(incoming: Incoming): void {
    const { request } = incoming;
    const call = this.#callOf(request);
    if (call !== undefined) return call.request(incoming);
    if (tagOf(request.headers.get("To")) !== undefined) return incoming.refuse(481);
    if (!this.#isAuthorized(incoming)) return;
    if (request.method === "OPTIONS") return this.#probed(incoming);
    if (request.method !== "INVITE") {
      const refusal = responseTo(request, request.method === "BYE" || request.method === "NOTIFY" ? 481 : 405, this.#exchange.newTag());
      refusal.headers.add("Allow", allowedMethods);
      return incoming.respond(refusal);
    }
    this.#invited(incoming);
  }

  acknowledged(request: SipRequest): void {
    this.#callOf(request)?.acknowledged(request);
  }

  cancelled(invite: ServerTransaction): void {
    this.#arriving.get(invite)?.cancelled();
  }

  /** Hangs up what is left and closes the sockets. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#registration?.stop();
    for (const arriving of this.#arriving.values()) arriving.close({ reason: "drained" });
    for (const call of this.#calls.values()) call.close({ reason: "drained" });
    const { clock } = this.#parts;
    const untilMs = clock.now() + farewellLimitMs;
    while (this.#exchange.waiting > 0 && clock.now() < untilMs) await new Promise<void>((resolve) => clock.setTimeout(resolve, 10));
    for (const call of this.#calls.values()) call.abandon();
    this.#exchange.abandon();
    await this.#closeWires();
  }

  #invited(incoming: Incoming): void {
    const refusal = this.#isClosing ? new Fault("draining", "this server is closing") : this.#parts.refusal();
    const unable = refusalOf(incoming);
    if (unable !== undefined || refusal !== undefined) {
      const response = responseTo(incoming.request, unable?.status ?? refusal?.row.sipStatus ?? 503, this.#exchange.newTag());
      if (unable?.name !== undefined) response.headers.add(unable.name, unable.value ?? "");
      if (unable === undefined) {
        response.headers.add("Retry-After", String(Math.ceil((refusal?.retryAfterMs ?? 5_000) / 1000)));
        if (refusal !== undefined) this.#parts.rejected(refusal.code);
      }
      return incoming.respond(response);
    }
    const { transaction } = incoming;
    const call = new InboundCall(this.#callParts, incoming, newKey(), () => this.#arriving.delete(transaction));
    this.#arriving.set(transaction, call);
    void call.begin();
  }

  /** What comes from the trunk's address is welcome. */
  async #knowTrunk(trunk: Trunk): Promise<void> {
    try {
      this.#peers.add((await this.#exchange.locate(registrarOf(trunk))).address);
    } catch (error) {
      // It may come back; meanwhile calls cannot be placed, and that is told to whoever tries.
      this.#parts.log.warning("sip_trunk_unknown", {
        trunk: registrarOf(trunk),
        message: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** A trunk asks whether we are there. */
  #probed(incoming: Incoming): void {
    const response = responseTo(incoming.request, this.#parts.refusal() === undefined ? 200 : 503, this.#exchange.newTag());
    response.headers.add("Allow", allowedMethods).add("Accept", "application/sdp").add("Supported", supportedExtensions);
    incoming.respond(response);
  }

  /** Peers are trusted by address, everybody else by password. */
  #isAuthorized(incoming: Incoming): boolean {
    if (this.#gate === undefined || this.#peers.includes(incoming.from.address)) return true;
    const { request } = incoming;
    const authorization = request.headers.get("Authorization");
    const verdict = this.#gate.check(authorization, request.method, request.body);
    if (verdict === "right") return true;
    // Who shows nothing yet only asks what to show.
    if (verdict === "wrong" && authorization !== undefined) this.#parts.unproven("password", incoming.from.address);
    const challenge = responseTo(request, 401, this.#exchange.newTag());
    for (const value of this.#gate.challenges(verdict === "stale")) challenge.headers.add("WWW-Authenticate", value);
    incoming.respond(challenge);
    return false;
  }

  #callOf(request: SipRequest): DialogOwner | undefined {
    const call = this.#calls.get(`${request.headers.get("Call-ID") ?? ""}|${tagOf(request.headers.get("To")) ?? ""}`);
    return call?.dialog.isOf(request) === true ? call : undefined;
  }

  #register(call: DialogOwner): Disposable {
    const key = `${call.dialog.callId}|${call.dialog.localTag}`;
    this.#calls.set(key, call);
    return { [Symbol.dispose]: () => this.#calls.delete(key) };
  }

  #ownAddress({ transport, address }: Hop): { address: string; port: number } {
    const { host, publicHost } = this.#options;
    return {
      address: isAny(host) ? (publicHost ?? addressFacing(address)) : (publicHost ?? host),
      port: this.#portOf(transport),
    };
  }

  /** UDP and TCP share a number; one that is free for the first may be taken for the second. */
  async #listenPlain(tries: number): Promise<void> {
    const { host, port } = this.#options;
    const udp = await openUdp(host, port, this);
    try {
      const tcp = await openStream({ host, port: udp.port, tls: undefined, clock: this.#parts.clock }, this);
      for (const wire of [udp, tcp]) this.#attach(wire);
    } catch (error) {
      await udp.close();
      if (tries <= 1) throw error;
      await this.#listenPlain(tries - 1);
    }
  }

  #portOf(transport: TransportName): number {
    return this.#wires.find((wire) => wire.transport === transport)?.port ?? this.#options.port;
  }

  #attach(wire: Wire): void {
    this.#wires.push(wire);
    this.#exchange.attach(wire);
  }

  async #closeWires(): Promise<void> {
    await Promise.all(this.#wires.splice(0).map((wire) => wire.close()));
  }
}

const newKey = (): Buffer => randomBytes(srtpKeyBytes);

const isAny = (host: string): boolean => host === "0.0.0.0" || host === "::";

function cannotListen(error: unknown, host: string, port: number): Fault {
  const code = (error as { code?: unknown }).code; // Node's errors have one.
  const said =
    code === "EADDRINUSE"
      ? `port ${port} is taken on ${host}; set SIP_PORT to another`
      : code === "EACCES"
        ? `port ${port} may not be opened by this user; set SIP_PORT to one above 1023`
        : code === "EADDRNOTAVAIL"
          ? `${host} is no address of this machine; set SIP_HOST to one, or to 0.0.0.0 for all`
          : `listening for SIP on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`;
  return new Fault("setting-invalid", said, { cause: error });
}
