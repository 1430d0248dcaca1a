import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace codex. */
export namespace codex {

    /** Namespace exec_server. */
    namespace exec_server {

        /** Namespace relay. */
        namespace relay {

            /** Namespace v1. */
            namespace v1 {

                /**
                 * Properties of a RelayMessageFrame.
                 * @deprecated Use codex.exec_server.relay.v1.RelayMessageFrame.$Properties instead.
                 */
                interface IRelayMessageFrame extends codex.exec_server.relay.v1.RelayMessageFrame.$Properties {
                }

                /** Represents a RelayMessageFrame. */
                class RelayMessageFrame {

                    /**
                     * Constructs a new RelayMessageFrame.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: codex.exec_server.relay.v1.RelayMessageFrame.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** RelayMessageFrame version. */
                    version: number;

                    /** RelayMessageFrame streamId. */
                    streamId: string;

                    /** RelayMessageFrame ack. */
                    ack: number;

                    /** RelayMessageFrame ackBits. */
                    ackBits: number;

                    /** RelayMessageFrame data. */
                    data: (codex.exec_server.relay.v1.RelayData|null);

                    /** RelayMessageFrame ackFrame. */
                    ackFrame: (codex.exec_server.relay.v1.RelayAck|null);

                    /** RelayMessageFrame resume. */
                    resume: (codex.exec_server.relay.v1.RelayResume|null);

                    /** RelayMessageFrame reset. */
                    reset: (codex.exec_server.relay.v1.RelayReset|null);

                    /** RelayMessageFrame heartbeat. */
                    heartbeat: (codex.exec_server.relay.v1.RelayHeartbeat|null);

                    /** RelayMessageFrame handshake. */
                    handshake: (codex.exec_server.relay.v1.RelayHandshake|null);

                    /** RelayMessageFrame traceparent. */
                    traceparent: (string|null);

                    /** RelayMessageFrame tracestate. */
                    tracestate: (string|null);

                    /** RelayMessageFrame reliability. */
                    reliability: number;

                    /** RelayMessageFrame receiveWindow. */
                    receiveWindow: (number|null);

                    /** RelayMessageFrame body. */
                    body?: ("data"|"ackFrame"|"resume"|"reset"|"heartbeat"|"handshake");

                    /**
                     * Creates a new RelayMessageFrame instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns RelayMessageFrame instance
                     */
                    static create(properties: codex.exec_server.relay.v1.RelayMessageFrame.$Shape): codex.exec_server.relay.v1.RelayMessageFrame & codex.exec_server.relay.v1.RelayMessageFrame.$Shape;
                    static create(properties?: codex.exec_server.relay.v1.RelayMessageFrame.$Properties): codex.exec_server.relay.v1.RelayMessageFrame;

                    /**
                     * Encodes the specified RelayMessageFrame message. Does not implicitly {@link codex.exec_server.relay.v1.RelayMessageFrame.verify|verify} messages.
                     * @param message RelayMessageFrame message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: codex.exec_server.relay.v1.RelayMessageFrame.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a RelayMessageFrame message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayMessageFrame & codex.exec_server.relay.v1.RelayMessageFrame.$Shape} RelayMessageFrame
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): codex.exec_server.relay.v1.RelayMessageFrame & codex.exec_server.relay.v1.RelayMessageFrame.$Shape;
                }

                namespace RelayMessageFrame {

                    /** Properties of a RelayMessageFrame. */
                    interface $Properties {

                        /** RelayMessageFrame version */
                        version?: number;

                        /** RelayMessageFrame streamId */
                        streamId?: string;

                        /** RelayMessageFrame ack */
                        ack?: number;

                        /** RelayMessageFrame ackBits */
                        ackBits?: number;

                        /** RelayMessageFrame data */
                        data?: (codex.exec_server.relay.v1.RelayData.$Properties|null);

                        /** RelayMessageFrame ackFrame */
                        ackFrame?: (codex.exec_server.relay.v1.RelayAck.$Properties|null);

                        /** RelayMessageFrame resume */
                        resume?: (codex.exec_server.relay.v1.RelayResume.$Properties|null);

                        /** RelayMessageFrame reset */
                        reset?: (codex.exec_server.relay.v1.RelayReset.$Properties|null);

                        /** RelayMessageFrame heartbeat */
                        heartbeat?: (codex.exec_server.relay.v1.RelayHeartbeat.$Properties|null);

                        /** RelayMessageFrame handshake */
                        handshake?: (codex.exec_server.relay.v1.RelayHandshake.$Properties|null);

                        /** RelayMessageFrame traceparent */
                        traceparent?: (string|null);

                        /** RelayMessageFrame tracestate */
                        tracestate?: (string|null);

                        /** RelayMessageFrame reliability */
                        reliability?: number;

                        /** RelayMessageFrame receiveWindow */
                        receiveWindow?: (number|null);

                        /** RelayMessageFrame body */
                        body?: ("data"|"ackFrame"|"resume"|"reset"|"heartbeat"|"handshake");

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Narrowed shape of a RelayMessageFrame. */
                    type $Shape = {
                      version?: number;
                      streamId?: string;
                      ack?: number;
                      ackBits?: number;
                      data?: codex.exec_server.relay.v1.RelayData.$Shape|null;
                      ackFrame?: codex.exec_server.relay.v1.RelayAck.$Shape|null;
                      resume?: codex.exec_server.relay.v1.RelayResume.$Shape|null;
                      reset?: codex.exec_server.relay.v1.RelayReset.$Shape|null;
                      heartbeat?: codex.exec_server.relay.v1.RelayHeartbeat.$Shape|null;
                      handshake?: codex.exec_server.relay.v1.RelayHandshake.$Shape|null;
                      traceparent?: string|null;
                      tracestate?: string|null;
                      reliability?: number;
                      receiveWindow?: number|null;
                      $unknowns?: Uint8Array[];
                    } & (
                      ({ body?: undefined; data?: null; ackFrame?: null; resume?: null; reset?: null; heartbeat?: null; handshake?: null }|{ body?: "data"; data: codex.exec_server.relay.v1.RelayData.$Shape; ackFrame?: null; resume?: null; reset?: null; heartbeat?: null; handshake?: null }|{ body?: "ackFrame"; data?: null; ackFrame: codex.exec_server.relay.v1.RelayAck.$Shape; resume?: null; reset?: null; heartbeat?: null; handshake?: null }|{ body?: "resume"; data?: null; ackFrame?: null; resume: codex.exec_server.relay.v1.RelayResume.$Shape; reset?: null; heartbeat?: null; handshake?: null }|{ body?: "reset"; data?: null; ackFrame?: null; resume?: null; reset: codex.exec_server.relay.v1.RelayReset.$Shape; heartbeat?: null; handshake?: null }|{ body?: "heartbeat"; data?: null; ackFrame?: null; resume?: null; reset?: null; heartbeat: codex.exec_server.relay.v1.RelayHeartbeat.$Shape; handshake?: null }|{ body?: "handshake"; data?: null; ackFrame?: null; resume?: null; reset?: null; heartbeat?: null; handshake: codex.exec_server.relay.v1.RelayHandshake.$Shape })
                    );
                }

                /**
                 * Properties of a RelayData.
                 * @deprecated Use codex.exec_server.relay.v1.RelayData.$Properties instead.
                 */
                interface IRelayData extends codex.exec_server.relay.v1.RelayData.$Properties {
                }

                /** Represents a RelayData. */
                class RelayData {

                    /**
                     * Constructs a new RelayData.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: codex.exec_server.relay.v1.RelayData.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** RelayData seq. */
                    seq: number;

                    /** RelayData segmentIndex. */
                    segmentIndex: number;

                    /** RelayData segmentCount. */
                    segmentCount: number;

                    /** RelayData payload. */
                    payload: Uint8Array;

                    /**
                     * Creates a new RelayData instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns RelayData instance
                     */
                    static create(properties: codex.exec_server.relay.v1.RelayData.$Shape): codex.exec_server.relay.v1.RelayData & codex.exec_server.relay.v1.RelayData.$Shape;
                    static create(properties?: codex.exec_server.relay.v1.RelayData.$Properties): codex.exec_server.relay.v1.RelayData;

                    /**
                     * Encodes the specified RelayData message. Does not implicitly {@link codex.exec_server.relay.v1.RelayData.verify|verify} messages.
                     * @param message RelayData message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: codex.exec_server.relay.v1.RelayData.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a RelayData message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayData & codex.exec_server.relay.v1.RelayData.$Shape} RelayData
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): codex.exec_server.relay.v1.RelayData & codex.exec_server.relay.v1.RelayData.$Shape;
                }

                namespace RelayData {

                    /** Properties of a RelayData. */
                    interface $Properties {

                        /** RelayData seq */
                        seq?: number;

                        /** RelayData segmentIndex */
                        segmentIndex?: number;

                        /** RelayData segmentCount */
                        segmentCount?: number;

                        /** RelayData payload */
                        payload?: Uint8Array;

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a RelayData. */
                    type $Shape = codex.exec_server.relay.v1.RelayData.$Properties;
                }

                /**
                 * Properties of a RelayAck.
                 * @deprecated Use codex.exec_server.relay.v1.RelayAck.$Properties instead.
                 */
                interface IRelayAck extends codex.exec_server.relay.v1.RelayAck.$Properties {
                }

                /** Represents a RelayAck. */
                class RelayAck {

                    /**
                     * Constructs a new RelayAck.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: codex.exec_server.relay.v1.RelayAck.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /**
                     * Creates a new RelayAck instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns RelayAck instance
                     */
                    static create(properties: codex.exec_server.relay.v1.RelayAck.$Shape): codex.exec_server.relay.v1.RelayAck & codex.exec_server.relay.v1.RelayAck.$Shape;
                    static create(properties?: codex.exec_server.relay.v1.RelayAck.$Properties): codex.exec_server.relay.v1.RelayAck;

                    /**
                     * Encodes the specified RelayAck message. Does not implicitly {@link codex.exec_server.relay.v1.RelayAck.verify|verify} messages.
                     * @param message RelayAck message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: codex.exec_server.relay.v1.RelayAck.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a RelayAck message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayAck & codex.exec_server.relay.v1.RelayAck.$Shape} RelayAck
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): codex.exec_server.relay.v1.RelayAck & codex.exec_server.relay.v1.RelayAck.$Shape;
                }

                namespace RelayAck {

                    /** Properties of a RelayAck. */
                    interface $Properties {

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a RelayAck. */
                    type $Shape = codex.exec_server.relay.v1.RelayAck.$Properties;
                }

                /**
                 * Properties of a RelayResume.
                 * @deprecated Use codex.exec_server.relay.v1.RelayResume.$Properties instead.
                 */
                interface IRelayResume extends codex.exec_server.relay.v1.RelayResume.$Properties {
                }

                /** Represents a RelayResume. */
                class RelayResume {

                    /**
                     * Constructs a new RelayResume.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: codex.exec_server.relay.v1.RelayResume.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** RelayResume nextSeq. */
                    nextSeq: number;

                    /**
                     * Creates a new RelayResume instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns RelayResume instance
                     */
                    static create(properties: codex.exec_server.relay.v1.RelayResume.$Shape): codex.exec_server.relay.v1.RelayResume & codex.exec_server.relay.v1.RelayResume.$Shape;
                    static create(properties?: codex.exec_server.relay.v1.RelayResume.$Properties): codex.exec_server.relay.v1.RelayResume;

                    /**
                     * Encodes the specified RelayResume message. Does not implicitly {@link codex.exec_server.relay.v1.RelayResume.verify|verify} messages.
                     * @param message RelayResume message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: codex.exec_server.relay.v1.RelayResume.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a RelayResume message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayResume & codex.exec_server.relay.v1.RelayResume.$Shape} RelayResume
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): codex.exec_server.relay.v1.RelayResume & codex.exec_server.relay.v1.RelayResume.$Shape;
                }

                namespace RelayResume {

                    /** Properties of a RelayResume. */
                    interface $Properties {

                        /** RelayResume nextSeq */
                        nextSeq?: number;

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a RelayResume. */
                    type $Shape = codex.exec_server.relay.v1.RelayResume.$Properties;
                }

                /**
                 * Properties of a RelayReset.
                 * @deprecated Use codex.exec_server.relay.v1.RelayReset.$Properties instead.
                 */
                interface IRelayReset extends codex.exec_server.relay.v1.RelayReset.$Properties {
                }

                /** Represents a RelayReset. */
                class RelayReset {

                    /**
                     * Constructs a new RelayReset.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: codex.exec_server.relay.v1.RelayReset.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** RelayReset reason. */
                    reason: string;

                    /**
                     * Creates a new RelayReset instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns RelayReset instance
                     */
                    static create(properties: codex.exec_server.relay.v1.RelayReset.$Shape): codex.exec_server.relay.v1.RelayReset & codex.exec_server.relay.v1.RelayReset.$Shape;
                    static create(properties?: codex.exec_server.relay.v1.RelayReset.$Properties): codex.exec_server.relay.v1.RelayReset;

                    /**
                     * Encodes the specified RelayReset message. Does not implicitly {@link codex.exec_server.relay.v1.RelayReset.verify|verify} messages.
                     * @param message RelayReset message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: codex.exec_server.relay.v1.RelayReset.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a RelayReset message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayReset & codex.exec_server.relay.v1.RelayReset.$Shape} RelayReset
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): codex.exec_server.relay.v1.RelayReset & codex.exec_server.relay.v1.RelayReset.$Shape;
                }

                namespace RelayReset {

                    /** Properties of a RelayReset. */
                    interface $Properties {

                        /** RelayReset reason */
                        reason?: string;

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a RelayReset. */
                    type $Shape = codex.exec_server.relay.v1.RelayReset.$Properties;
                }

                /**
                 * Properties of a RelayHeartbeat.
                 * @deprecated Use codex.exec_server.relay.v1.RelayHeartbeat.$Properties instead.
                 */
                interface IRelayHeartbeat extends codex.exec_server.relay.v1.RelayHeartbeat.$Properties {
                }

                /** Represents a RelayHeartbeat. */
                class RelayHeartbeat {

                    /**
                     * Constructs a new RelayHeartbeat.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: codex.exec_server.relay.v1.RelayHeartbeat.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /**
                     * Creates a new RelayHeartbeat instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns RelayHeartbeat instance
                     */
                    static create(properties: codex.exec_server.relay.v1.RelayHeartbeat.$Shape): codex.exec_server.relay.v1.RelayHeartbeat & codex.exec_server.relay.v1.RelayHeartbeat.$Shape;
                    static create(properties?: codex.exec_server.relay.v1.RelayHeartbeat.$Properties): codex.exec_server.relay.v1.RelayHeartbeat;

                    /**
                     * Encodes the specified RelayHeartbeat message. Does not implicitly {@link codex.exec_server.relay.v1.RelayHeartbeat.verify|verify} messages.
                     * @param message RelayHeartbeat message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: codex.exec_server.relay.v1.RelayHeartbeat.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a RelayHeartbeat message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayHeartbeat & codex.exec_server.relay.v1.RelayHeartbeat.$Shape} RelayHeartbeat
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): codex.exec_server.relay.v1.RelayHeartbeat & codex.exec_server.relay.v1.RelayHeartbeat.$Shape;
                }

                namespace RelayHeartbeat {

                    /** Properties of a RelayHeartbeat. */
                    interface $Properties {

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a RelayHeartbeat. */
                    type $Shape = codex.exec_server.relay.v1.RelayHeartbeat.$Properties;
                }

                /**
                 * Properties of a RelayHandshake.
                 * @deprecated Use codex.exec_server.relay.v1.RelayHandshake.$Properties instead.
                 */
                interface IRelayHandshake extends codex.exec_server.relay.v1.RelayHandshake.$Properties {
                }

                /** Represents a RelayHandshake. */
                class RelayHandshake {

                    /**
                     * Constructs a new RelayHandshake.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: codex.exec_server.relay.v1.RelayHandshake.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** RelayHandshake payload. */
                    payload: Uint8Array;

                    /**
                     * Creates a new RelayHandshake instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns RelayHandshake instance
                     */
                    static create(properties: codex.exec_server.relay.v1.RelayHandshake.$Shape): codex.exec_server.relay.v1.RelayHandshake & codex.exec_server.relay.v1.RelayHandshake.$Shape;
                    static create(properties?: codex.exec_server.relay.v1.RelayHandshake.$Properties): codex.exec_server.relay.v1.RelayHandshake;

                    /**
                     * Encodes the specified RelayHandshake message. Does not implicitly {@link codex.exec_server.relay.v1.RelayHandshake.verify|verify} messages.
                     * @param message RelayHandshake message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: codex.exec_server.relay.v1.RelayHandshake.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a RelayHandshake message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayHandshake & codex.exec_server.relay.v1.RelayHandshake.$Shape} RelayHandshake
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): codex.exec_server.relay.v1.RelayHandshake & codex.exec_server.relay.v1.RelayHandshake.$Shape;
                }

                namespace RelayHandshake {

                    /** Properties of a RelayHandshake. */
                    interface $Properties {

                        /** RelayHandshake payload */
                        payload?: Uint8Array;

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a RelayHandshake. */
                    type $Shape = codex.exec_server.relay.v1.RelayHandshake.$Properties;
                }
            }
        }
    }
}
