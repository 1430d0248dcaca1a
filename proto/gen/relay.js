/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

// Exported root namespace
const $root = $protobuf.roots["default"] || ($protobuf.roots["default"] = {});

export const codex = $root.codex = (() => {

    /**
     * Namespace codex.
     * @exports codex
     * @namespace
     */
    const codex = {};

    codex.exec_server = (function() {

        /**
         * Namespace exec_server.
         * @memberof codex
         * @namespace
         */
        const exec_server = {};

        exec_server.relay = (function() {

            /**
             * Namespace relay.
             * @memberof codex.exec_server
             * @namespace
             */
            const relay = {};

            relay.v1 = (function() {

                /**
                 * Namespace v1.
                 * @memberof codex.exec_server.relay
                 * @namespace
                 */
                const v1 = {};

                v1.RelayMessageFrame = (function() {

                    /**
                     * Properties of a RelayMessageFrame.
                     * @typedef {Object} codex.exec_server.relay.v1.RelayMessageFrame.$Properties
                     * @property {number} [version] RelayMessageFrame version
                     * @property {string} [streamId] RelayMessageFrame streamId
                     * @property {number} [ack] RelayMessageFrame ack
                     * @property {number} [ackBits] RelayMessageFrame ackBits
                     * @property {codex.exec_server.relay.v1.RelayData.$Properties|null} [data] RelayMessageFrame data
                     * @property {codex.exec_server.relay.v1.RelayAck.$Properties|null} [ackFrame] RelayMessageFrame ackFrame
                     * @property {codex.exec_server.relay.v1.RelayResume.$Properties|null} [resume] RelayMessageFrame resume
                     * @property {codex.exec_server.relay.v1.RelayReset.$Properties|null} [reset] RelayMessageFrame reset
                     * @property {codex.exec_server.relay.v1.RelayHeartbeat.$Properties|null} [heartbeat] RelayMessageFrame heartbeat
                     * @property {codex.exec_server.relay.v1.RelayHandshake.$Properties|null} [handshake] RelayMessageFrame handshake
                     * @property {string|null} [traceparent] RelayMessageFrame traceparent
                     * @property {string|null} [tracestate] RelayMessageFrame tracestate
                     * @property {number} [reliability] RelayMessageFrame reliability
                     * @property {number|null} [receiveWindow] RelayMessageFrame receiveWindow
                     * @property {"data"|"ackFrame"|"resume"|"reset"|"heartbeat"|"handshake"} [body] RelayMessageFrame body
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */

                    /**
                     * Properties of a RelayMessageFrame.
                     * @memberof codex.exec_server.relay.v1
                     * @interface IRelayMessageFrame
                     * @augments codex.exec_server.relay.v1.RelayMessageFrame.$Properties
                     * @deprecated Use codex.exec_server.relay.v1.RelayMessageFrame.$Properties instead.
                     */

                    /**
                     * Narrowed shape of a RelayMessageFrame.
                     * @typedef {{
                     *   version?: number;
                     *   streamId?: string;
                     *   ack?: number;
                     *   ackBits?: number;
                     *   data?: codex.exec_server.relay.v1.RelayData.$Shape|null;
                     *   ackFrame?: codex.exec_server.relay.v1.RelayAck.$Shape|null;
                     *   resume?: codex.exec_server.relay.v1.RelayResume.$Shape|null;
                     *   reset?: codex.exec_server.relay.v1.RelayReset.$Shape|null;
                     *   heartbeat?: codex.exec_server.relay.v1.RelayHeartbeat.$Shape|null;
                     *   handshake?: codex.exec_server.relay.v1.RelayHandshake.$Shape|null;
                     *   traceparent?: string|null;
                     *   tracestate?: string|null;
                     *   reliability?: number;
                     *   receiveWindow?: number|null;
                     *   $unknowns?: Array.<Uint8Array>;
                     * } & (
                     *   ({ body?: undefined; data?: null; ackFrame?: null; resume?: null; reset?: null; heartbeat?: null; handshake?: null }|{ body?: "data"; data: codex.exec_server.relay.v1.RelayData.$Shape; ackFrame?: null; resume?: null; reset?: null; heartbeat?: null; handshake?: null }|{ body?: "ackFrame"; data?: null; ackFrame: codex.exec_server.relay.v1.RelayAck.$Shape; resume?: null; reset?: null; heartbeat?: null; handshake?: null }|{ body?: "resume"; data?: null; ackFrame?: null; resume: codex.exec_server.relay.v1.RelayResume.$Shape; reset?: null; heartbeat?: null; handshake?: null }|{ body?: "reset"; data?: null; ackFrame?: null; resume?: null; reset: codex.exec_server.relay.v1.RelayReset.$Shape; heartbeat?: null; handshake?: null }|{ body?: "heartbeat"; data?: null; ackFrame?: null; resume?: null; reset?: null; heartbeat: codex.exec_server.relay.v1.RelayHeartbeat.$Shape; handshake?: null }|{ body?: "handshake"; data?: null; ackFrame?: null; resume?: null; reset?: null; heartbeat?: null; handshake: codex.exec_server.relay.v1.RelayHandshake.$Shape })
                     * )} codex.exec_server.relay.v1.RelayMessageFrame.$Shape
                     */

                    /**
                     * Constructs a new RelayMessageFrame.
                     * @memberof codex.exec_server.relay.v1
                     * @classdesc Represents a RelayMessageFrame.
                     * @constructor
                     * @param {codex.exec_server.relay.v1.RelayMessageFrame.$Properties=} [properties] Properties to set
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */
                    const RelayMessageFrame = function (properties) {
                        if (properties)
                            for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                                if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                    this[keys[i]] = properties[keys[i]];
                    };

                    /**
                     * RelayMessageFrame version.
                     * @member {number} version
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.version = 0;

                    /**
                     * RelayMessageFrame streamId.
                     * @member {string} streamId
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.streamId = "";

                    /**
                     * RelayMessageFrame ack.
                     * @member {number} ack
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.ack = 0;

                    /**
                     * RelayMessageFrame ackBits.
                     * @member {number} ackBits
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.ackBits = 0;

                    /**
                     * RelayMessageFrame data.
                     * @member {codex.exec_server.relay.v1.RelayData|null} data
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.data = null;

                    /**
                     * RelayMessageFrame ackFrame.
                     * @member {codex.exec_server.relay.v1.RelayAck|null} ackFrame
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.ackFrame = null;

                    /**
                     * RelayMessageFrame resume.
                     * @member {codex.exec_server.relay.v1.RelayResume|null} resume
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.resume = null;

                    /**
                     * RelayMessageFrame reset.
                     * @member {codex.exec_server.relay.v1.RelayReset|null} reset
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.reset = null;

                    /**
                     * RelayMessageFrame heartbeat.
                     * @member {codex.exec_server.relay.v1.RelayHeartbeat|null} heartbeat
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.heartbeat = null;

                    /**
                     * RelayMessageFrame handshake.
                     * @member {codex.exec_server.relay.v1.RelayHandshake|null} handshake
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.handshake = null;

                    /**
                     * RelayMessageFrame traceparent.
                     * @member {string|null} traceparent
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.traceparent = null;

                    /**
                     * RelayMessageFrame tracestate.
                     * @member {string|null} tracestate
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.tracestate = null;

                    /**
                     * RelayMessageFrame reliability.
                     * @member {number} reliability
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.reliability = 0;

                    /**
                     * RelayMessageFrame receiveWindow.
                     * @member {number|null} receiveWindow
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    RelayMessageFrame.prototype.receiveWindow = null;

                    // OneOf field names bound to virtual getters and setters
                    let $oneOfFields;

                    /**
                     * RelayMessageFrame body.
                     * @member {"data"|"ackFrame"|"resume"|"reset"|"heartbeat"|"handshake"|undefined} body
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @instance
                     */
                    $Object.defineProperty(RelayMessageFrame.prototype, "body", {
                        get: $util.oneOfGetter($oneOfFields = ["data", "ackFrame", "resume", "reset", "heartbeat", "handshake"]),
                        set: $util.oneOfSetter($oneOfFields)
                    });

                    // Virtual OneOf for proto3 optional field
                    $Object.defineProperty(RelayMessageFrame.prototype, "_traceparent", {
                        get: $util.oneOfGetter($oneOfFields = ["traceparent"]),
                        set: $util.oneOfSetter($oneOfFields)
                    });

                    // Virtual OneOf for proto3 optional field
                    $Object.defineProperty(RelayMessageFrame.prototype, "_tracestate", {
                        get: $util.oneOfGetter($oneOfFields = ["tracestate"]),
                        set: $util.oneOfSetter($oneOfFields)
                    });

                    // Virtual OneOf for proto3 optional field
                    $Object.defineProperty(RelayMessageFrame.prototype, "_receiveWindow", {
                        get: $util.oneOfGetter($oneOfFields = ["receiveWindow"]),
                        set: $util.oneOfSetter($oneOfFields)
                    });

                    /**
                     * Creates a new RelayMessageFrame instance using the specified properties.
                     * @function create
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayMessageFrame.$Properties=} [properties] Properties to set
                     * @returns {codex.exec_server.relay.v1.RelayMessageFrame} RelayMessageFrame instance
                     * @type {{
                     *   (properties: codex.exec_server.relay.v1.RelayMessageFrame.$Shape): codex.exec_server.relay.v1.RelayMessageFrame & codex.exec_server.relay.v1.RelayMessageFrame.$Shape;
                     *   (properties?: codex.exec_server.relay.v1.RelayMessageFrame.$Properties): codex.exec_server.relay.v1.RelayMessageFrame;
                     * }}
                     */
                    RelayMessageFrame.create = function(properties) {
                        return new RelayMessageFrame(properties);
                    };

                    /**
                     * Encodes the specified RelayMessageFrame message. Does not implicitly {@link codex.exec_server.relay.v1.RelayMessageFrame.verify|verify} messages.
                     * @function encode
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayMessageFrame.$Properties} message RelayMessageFrame message or plain object to encode
                     * @param {$protobuf.Writer} [writer] Writer to encode to
                     * @returns {$protobuf.Writer} Writer
                     */
                    RelayMessageFrame.encode = function (message, writer, _depth) {
                        if (!writer)
                            writer = $Writer.create();
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $util.recursionLimit)
                            throw $Error("max depth exceeded");
                        if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== 0)
                            writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.version);
                        if (message.streamId != null && $Object.hasOwnProperty.call(message, "streamId") && message.streamId !== "")
                            writer.uint32(/* id 2, wireType 2 =*/18).string(message.streamId);
                        if (message.ack != null && $Object.hasOwnProperty.call(message, "ack") && message.ack !== 0)
                            writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.ack);
                        if (message.ackBits != null && $Object.hasOwnProperty.call(message, "ackBits") && message.ackBits !== 0)
                            writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.ackBits);
                        if (message.data != null && $Object.hasOwnProperty.call(message, "data"))
                            $root.codex.exec_server.relay.v1.RelayData.encode(message.data, writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                        if (message.ackFrame != null && $Object.hasOwnProperty.call(message, "ackFrame"))
                            $root.codex.exec_server.relay.v1.RelayAck.encode(message.ackFrame, writer.uint32(/* id 6, wireType 2 =*/50).fork(), _depth + 1).ldelim();
                        if (message.resume != null && $Object.hasOwnProperty.call(message, "resume"))
                            $root.codex.exec_server.relay.v1.RelayResume.encode(message.resume, writer.uint32(/* id 7, wireType 2 =*/58).fork(), _depth + 1).ldelim();
                        if (message.reset != null && $Object.hasOwnProperty.call(message, "reset"))
                            $root.codex.exec_server.relay.v1.RelayReset.encode(message.reset, writer.uint32(/* id 8, wireType 2 =*/66).fork(), _depth + 1).ldelim();
                        if (message.heartbeat != null && $Object.hasOwnProperty.call(message, "heartbeat"))
                            $root.codex.exec_server.relay.v1.RelayHeartbeat.encode(message.heartbeat, writer.uint32(/* id 9, wireType 2 =*/74).fork(), _depth + 1).ldelim();
                        if (message.handshake != null && $Object.hasOwnProperty.call(message, "handshake"))
                            $root.codex.exec_server.relay.v1.RelayHandshake.encode(message.handshake, writer.uint32(/* id 10, wireType 2 =*/82).fork(), _depth + 1).ldelim();
                        if (message.traceparent != null && $Object.hasOwnProperty.call(message, "traceparent"))
                            writer.uint32(/* id 11, wireType 2 =*/90).string(message.traceparent);
                        if (message.tracestate != null && $Object.hasOwnProperty.call(message, "tracestate"))
                            writer.uint32(/* id 12, wireType 2 =*/98).string(message.tracestate);
                        if (message.reliability != null && $Object.hasOwnProperty.call(message, "reliability") && message.reliability !== 0)
                            writer.uint32(/* id 1015, wireType 0 =*/8120).uint32(message.reliability);
                        if (message.receiveWindow != null && $Object.hasOwnProperty.call(message, "receiveWindow"))
                            writer.uint32(/* id 1016, wireType 0 =*/8128).uint32(message.receiveWindow);
                        if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                            for (let i = 0; i < message.$unknowns.length; ++i)
                                writer.raw(message.$unknowns[i]);
                        return writer;
                    };

                    /**
                     * Decodes a RelayMessageFrame message from the specified reader or buffer.
                     * @function decode
                     * @memberof codex.exec_server.relay.v1.RelayMessageFrame
                     * @static
                     * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                     * @param {number} [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayMessageFrame & codex.exec_server.relay.v1.RelayMessageFrame.$Shape} RelayMessageFrame
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    RelayMessageFrame.decode = function (reader, length, _end, _depth, _target) {
                        if (!(reader instanceof $Reader))
                            reader = $Reader.create(reader);
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $Reader.recursionLimit)
                            throw $Error("max depth exceeded");
                        let end, message, value;
                        if (length === $undefined)
                            end = reader.len;
                        else {
                            end = reader.pos + length;
                            if (end > reader.len)
                                throw $RangeError("index out of range");
                            length = reader.len;
                            reader.len = end;
                        }
                        message = _target || new $root.codex.exec_server.relay.v1.RelayMessageFrame();
                        while (reader.pos < end) {
                            let start = reader.pos;
                            let tag = reader.tag();
                            if (tag === _end) {
                                _end = $undefined;
                                break;
                            }
                            let wireType = tag & 7;
                            switch (tag >>>= 3) {
                            case 1: {
                                    if (wireType !== 0)
                                        break;
                                    if (value = reader.uint32())
                                        message.version = value;
                                    else
                                        delete message.version;
                                    continue;
                                }
                            case 2: {
                                    if (wireType !== 2)
                                        break;
                                    if ((value = reader.stringVerify()).length)
                                        message.streamId = value;
                                    else
                                        delete message.streamId;
                                    continue;
                                }
                            case 3: {
                                    if (wireType !== 0)
                                        break;
                                    if (value = reader.uint32())
                                        message.ack = value;
                                    else
                                        delete message.ack;
                                    continue;
                                }
                            case 4: {
                                    if (wireType !== 0)
                                        break;
                                    if (value = reader.uint32())
                                        message.ackBits = value;
                                    else
                                        delete message.ackBits;
                                    continue;
                                }
                            case 5: {
                                    if (wireType !== 2)
                                        break;
                                    message.data = $root.codex.exec_server.relay.v1.RelayData.decode(reader, reader.size(), $undefined, _depth + 1, message.data);
                                    message.body = "data";
                                    continue;
                                }
                            case 6: {
                                    if (wireType !== 2)
                                        break;
                                    message.ackFrame = $root.codex.exec_server.relay.v1.RelayAck.decode(reader, reader.size(), $undefined, _depth + 1, message.ackFrame);
                                    message.body = "ackFrame";
                                    continue;
                                }
                            case 7: {
                                    if (wireType !== 2)
                                        break;
                                    message.resume = $root.codex.exec_server.relay.v1.RelayResume.decode(reader, reader.size(), $undefined, _depth + 1, message.resume);
                                    message.body = "resume";
                                    continue;
                                }
                            case 8: {
                                    if (wireType !== 2)
                                        break;
                                    message.reset = $root.codex.exec_server.relay.v1.RelayReset.decode(reader, reader.size(), $undefined, _depth + 1, message.reset);
                                    message.body = "reset";
                                    continue;
                                }
                            case 9: {
                                    if (wireType !== 2)
                                        break;
                                    message.heartbeat = $root.codex.exec_server.relay.v1.RelayHeartbeat.decode(reader, reader.size(), $undefined, _depth + 1, message.heartbeat);
                                    message.body = "heartbeat";
                                    continue;
                                }
                            case 10: {
                                    if (wireType !== 2)
                                        break;
                                    message.handshake = $root.codex.exec_server.relay.v1.RelayHandshake.decode(reader, reader.size(), $undefined, _depth + 1, message.handshake);
                                    message.body = "handshake";
                                    continue;
                                }
                            case 11: {
                                    if (wireType !== 2)
                                        break;
                                    message.traceparent = reader.stringVerify();
                                    message._traceparent = "traceparent";
                                    continue;
                                }
                            case 12: {
                                    if (wireType !== 2)
                                        break;
                                    message.tracestate = reader.stringVerify();
                                    message._tracestate = "tracestate";
                                    continue;
                                }
                            case 1015: {
                                    if (wireType !== 0)
                                        break;
                                    if (value = reader.uint32())
                                        message.reliability = value;
                                    else
                                        delete message.reliability;
                                    continue;
                                }
                            case 1016: {
                                    if (wireType !== 0)
                                        break;
                                    message.receiveWindow = reader.uint32();
                                    message._receiveWindow = "receiveWindow";
                                    continue;
                                }
                            }
                            reader.skipType(wireType, _depth, tag);
                            if (!reader.discardUnknown) {
                                $util.makeProp(message, "$unknowns", false);
                                (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                            }
                        }
                        if (length !== $undefined) {
                            if (reader.pos !== end)
                                throw $RangeError("index out of range");
                            reader.len = length;
                        }
                        if (_end !== $undefined)
                            throw $Error("missing end group");
                        return message;
                    };

                    return RelayMessageFrame;
                })();

                v1.RelayData = (function() {

                    /**
                     * Properties of a RelayData.
                     * @typedef {Object} codex.exec_server.relay.v1.RelayData.$Properties
                     * @property {number} [seq] RelayData seq
                     * @property {number} [segmentIndex] RelayData segmentIndex
                     * @property {number} [segmentCount] RelayData segmentCount
                     * @property {Uint8Array} [payload] RelayData payload
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */

                    /**
                     * Properties of a RelayData.
                     * @memberof codex.exec_server.relay.v1
                     * @interface IRelayData
                     * @augments codex.exec_server.relay.v1.RelayData.$Properties
                     * @deprecated Use codex.exec_server.relay.v1.RelayData.$Properties instead.
                     */

                    /**
                     * Shape of a RelayData.
                     * @typedef {codex.exec_server.relay.v1.RelayData.$Properties} codex.exec_server.relay.v1.RelayData.$Shape
                     */

                    /**
                     * Constructs a new RelayData.
                     * @memberof codex.exec_server.relay.v1
                     * @classdesc Represents a RelayData.
                     * @constructor
                     * @param {codex.exec_server.relay.v1.RelayData.$Properties=} [properties] Properties to set
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */
                    const RelayData = function (properties) {
                        if (properties)
                            for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                                if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                    this[keys[i]] = properties[keys[i]];
                    };

                    /**
                     * RelayData seq.
                     * @member {number} seq
                     * @memberof codex.exec_server.relay.v1.RelayData
                     * @instance
                     */
                    RelayData.prototype.seq = 0;

                    /**
                     * RelayData segmentIndex.
                     * @member {number} segmentIndex
                     * @memberof codex.exec_server.relay.v1.RelayData
                     * @instance
                     */
                    RelayData.prototype.segmentIndex = 0;

                    /**
                     * RelayData segmentCount.
                     * @member {number} segmentCount
                     * @memberof codex.exec_server.relay.v1.RelayData
                     * @instance
                     */
                    RelayData.prototype.segmentCount = 0;

                    /**
                     * RelayData payload.
                     * @member {Uint8Array} payload
                     * @memberof codex.exec_server.relay.v1.RelayData
                     * @instance
                     */
                    RelayData.prototype.payload = $util.newBuffer([]);

                    /**
                     * Creates a new RelayData instance using the specified properties.
                     * @function create
                     * @memberof codex.exec_server.relay.v1.RelayData
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayData.$Properties=} [properties] Properties to set
                     * @returns {codex.exec_server.relay.v1.RelayData} RelayData instance
                     * @type {{
                     *   (properties: codex.exec_server.relay.v1.RelayData.$Shape): codex.exec_server.relay.v1.RelayData & codex.exec_server.relay.v1.RelayData.$Shape;
                     *   (properties?: codex.exec_server.relay.v1.RelayData.$Properties): codex.exec_server.relay.v1.RelayData;
                     * }}
                     */
                    RelayData.create = function(properties) {
                        return new RelayData(properties);
                    };

                    /**
                     * Encodes the specified RelayData message. Does not implicitly {@link codex.exec_server.relay.v1.RelayData.verify|verify} messages.
                     * @function encode
                     * @memberof codex.exec_server.relay.v1.RelayData
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayData.$Properties} message RelayData message or plain object to encode
                     * @param {$protobuf.Writer} [writer] Writer to encode to
                     * @returns {$protobuf.Writer} Writer
                     */
                    RelayData.encode = function (message, writer, _depth) {
                        if (!writer)
                            writer = $Writer.create();
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $util.recursionLimit)
                            throw $Error("max depth exceeded");
                        if (message.seq != null && $Object.hasOwnProperty.call(message, "seq") && message.seq !== 0)
                            writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.seq);
                        if (message.segmentIndex != null && $Object.hasOwnProperty.call(message, "segmentIndex") && message.segmentIndex !== 0)
                            writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.segmentIndex);
                        if (message.segmentCount != null && $Object.hasOwnProperty.call(message, "segmentCount") && message.segmentCount !== 0)
                            writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.segmentCount);
                        if (message.payload != null && $Object.hasOwnProperty.call(message, "payload") && message.payload.length)
                            writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.payload);
                        if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                            for (let i = 0; i < message.$unknowns.length; ++i)
                                writer.raw(message.$unknowns[i]);
                        return writer;
                    };

                    /**
                     * Decodes a RelayData message from the specified reader or buffer.
                     * @function decode
                     * @memberof codex.exec_server.relay.v1.RelayData
                     * @static
                     * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                     * @param {number} [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayData & codex.exec_server.relay.v1.RelayData.$Shape} RelayData
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    RelayData.decode = function (reader, length, _end, _depth, _target) {
                        if (!(reader instanceof $Reader))
                            reader = $Reader.create(reader);
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $Reader.recursionLimit)
                            throw $Error("max depth exceeded");
                        let end, message, value;
                        if (length === $undefined)
                            end = reader.len;
                        else {
                            end = reader.pos + length;
                            if (end > reader.len)
                                throw $RangeError("index out of range");
                            length = reader.len;
                            reader.len = end;
                        }
                        message = _target || new $root.codex.exec_server.relay.v1.RelayData();
                        while (reader.pos < end) {
                            let start = reader.pos;
                            let tag = reader.tag();
                            if (tag === _end) {
                                _end = $undefined;
                                break;
                            }
                            let wireType = tag & 7;
                            switch (tag >>>= 3) {
                            case 1: {
                                    if (wireType !== 0)
                                        break;
                                    if (value = reader.uint32())
                                        message.seq = value;
                                    else
                                        delete message.seq;
                                    continue;
                                }
                            case 2: {
                                    if (wireType !== 0)
                                        break;
                                    if (value = reader.uint32())
                                        message.segmentIndex = value;
                                    else
                                        delete message.segmentIndex;
                                    continue;
                                }
                            case 3: {
                                    if (wireType !== 0)
                                        break;
                                    if (value = reader.uint32())
                                        message.segmentCount = value;
                                    else
                                        delete message.segmentCount;
                                    continue;
                                }
                            case 4: {
                                    if (wireType !== 2)
                                        break;
                                    if ((value = reader.bytes()).length)
                                        message.payload = value;
                                    else
                                        delete message.payload;
                                    continue;
                                }
                            }
                            reader.skipType(wireType, _depth, tag);
                            if (!reader.discardUnknown) {
                                $util.makeProp(message, "$unknowns", false);
                                (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                            }
                        }
                        if (length !== $undefined) {
                            if (reader.pos !== end)
                                throw $RangeError("index out of range");
                            reader.len = length;
                        }
                        if (_end !== $undefined)
                            throw $Error("missing end group");
                        return message;
                    };

                    return RelayData;
                })();

                v1.RelayAck = (function() {

                    /**
                     * Properties of a RelayAck.
                     * @typedef {Object} codex.exec_server.relay.v1.RelayAck.$Properties
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */

                    /**
                     * Properties of a RelayAck.
                     * @memberof codex.exec_server.relay.v1
                     * @interface IRelayAck
                     * @augments codex.exec_server.relay.v1.RelayAck.$Properties
                     * @deprecated Use codex.exec_server.relay.v1.RelayAck.$Properties instead.
                     */

                    /**
                     * Shape of a RelayAck.
                     * @typedef {codex.exec_server.relay.v1.RelayAck.$Properties} codex.exec_server.relay.v1.RelayAck.$Shape
                     */

                    /**
                     * Constructs a new RelayAck.
                     * @memberof codex.exec_server.relay.v1
                     * @classdesc Represents a RelayAck.
                     * @constructor
                     * @param {codex.exec_server.relay.v1.RelayAck.$Properties=} [properties] Properties to set
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */
                    const RelayAck = function (properties) {
                        if (properties)
                            for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                                if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                    this[keys[i]] = properties[keys[i]];
                    };

                    /**
                     * Creates a new RelayAck instance using the specified properties.
                     * @function create
                     * @memberof codex.exec_server.relay.v1.RelayAck
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayAck.$Properties=} [properties] Properties to set
                     * @returns {codex.exec_server.relay.v1.RelayAck} RelayAck instance
                     * @type {{
                     *   (properties: codex.exec_server.relay.v1.RelayAck.$Shape): codex.exec_server.relay.v1.RelayAck & codex.exec_server.relay.v1.RelayAck.$Shape;
                     *   (properties?: codex.exec_server.relay.v1.RelayAck.$Properties): codex.exec_server.relay.v1.RelayAck;
                     * }}
                     */
                    RelayAck.create = function(properties) {
                        return new RelayAck(properties);
                    };

                    /**
                     * Encodes the specified RelayAck message. Does not implicitly {@link codex.exec_server.relay.v1.RelayAck.verify|verify} messages.
                     * @function encode
                     * @memberof codex.exec_server.relay.v1.RelayAck
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayAck.$Properties} message RelayAck message or plain object to encode
                     * @param {$protobuf.Writer} [writer] Writer to encode to
                     * @returns {$protobuf.Writer} Writer
                     */
                    RelayAck.encode = function (message, writer, _depth) {
                        if (!writer)
                            writer = $Writer.create();
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $util.recursionLimit)
                            throw $Error("max depth exceeded");
                        if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                            for (let i = 0; i < message.$unknowns.length; ++i)
                                writer.raw(message.$unknowns[i]);
                        return writer;
                    };

                    /**
                     * Decodes a RelayAck message from the specified reader or buffer.
                     * @function decode
                     * @memberof codex.exec_server.relay.v1.RelayAck
                     * @static
                     * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                     * @param {number} [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayAck & codex.exec_server.relay.v1.RelayAck.$Shape} RelayAck
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    RelayAck.decode = function (reader, length, _end, _depth, _target) {
                        if (!(reader instanceof $Reader))
                            reader = $Reader.create(reader);
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $Reader.recursionLimit)
                            throw $Error("max depth exceeded");
                        let end, message;
                        if (length === $undefined)
                            end = reader.len;
                        else {
                            end = reader.pos + length;
                            if (end > reader.len)
                                throw $RangeError("index out of range");
                            length = reader.len;
                            reader.len = end;
                        }
                        message = _target || new $root.codex.exec_server.relay.v1.RelayAck();
                        while (reader.pos < end) {
                            let start = reader.pos;
                            let tag = reader.tag();
                            if (tag === _end) {
                                _end = $undefined;
                                break;
                            }
                            reader.skipType(tag & 7, _depth, tag);
                            if (!reader.discardUnknown) {
                                $util.makeProp(message, "$unknowns", false);
                                (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                            }
                        }
                        if (length !== $undefined) {
                            if (reader.pos !== end)
                                throw $RangeError("index out of range");
                            reader.len = length;
                        }
                        if (_end !== $undefined)
                            throw $Error("missing end group");
                        return message;
                    };

                    return RelayAck;
                })();

                v1.RelayResume = (function() {

                    /**
                     * Properties of a RelayResume.
                     * @typedef {Object} codex.exec_server.relay.v1.RelayResume.$Properties
                     * @property {number} [nextSeq] RelayResume nextSeq
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */

                    /**
                     * Properties of a RelayResume.
                     * @memberof codex.exec_server.relay.v1
                     * @interface IRelayResume
                     * @augments codex.exec_server.relay.v1.RelayResume.$Properties
                     * @deprecated Use codex.exec_server.relay.v1.RelayResume.$Properties instead.
                     */

                    /**
                     * Shape of a RelayResume.
                     * @typedef {codex.exec_server.relay.v1.RelayResume.$Properties} codex.exec_server.relay.v1.RelayResume.$Shape
                     */

                    /**
                     * Constructs a new RelayResume.
                     * @memberof codex.exec_server.relay.v1
                     * @classdesc Represents a RelayResume.
                     * @constructor
                     * @param {codex.exec_server.relay.v1.RelayResume.$Properties=} [properties] Properties to set
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */
                    const RelayResume = function (properties) {
                        if (properties)
                            for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                                if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                    this[keys[i]] = properties[keys[i]];
                    };

                    /**
                     * RelayResume nextSeq.
                     * @member {number} nextSeq
                     * @memberof codex.exec_server.relay.v1.RelayResume
                     * @instance
                     */
                    RelayResume.prototype.nextSeq = 0;

                    /**
                     * Creates a new RelayResume instance using the specified properties.
                     * @function create
                     * @memberof codex.exec_server.relay.v1.RelayResume
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayResume.$Properties=} [properties] Properties to set
                     * @returns {codex.exec_server.relay.v1.RelayResume} RelayResume instance
                     * @type {{
                     *   (properties: codex.exec_server.relay.v1.RelayResume.$Shape): codex.exec_server.relay.v1.RelayResume & codex.exec_server.relay.v1.RelayResume.$Shape;
                     *   (properties?: codex.exec_server.relay.v1.RelayResume.$Properties): codex.exec_server.relay.v1.RelayResume;
                     * }}
                     */
                    RelayResume.create = function(properties) {
                        return new RelayResume(properties);
                    };

                    /**
                     * Encodes the specified RelayResume message. Does not implicitly {@link codex.exec_server.relay.v1.RelayResume.verify|verify} messages.
                     * @function encode
                     * @memberof codex.exec_server.relay.v1.RelayResume
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayResume.$Properties} message RelayResume message or plain object to encode
                     * @param {$protobuf.Writer} [writer] Writer to encode to
                     * @returns {$protobuf.Writer} Writer
                     */
                    RelayResume.encode = function (message, writer, _depth) {
                        if (!writer)
                            writer = $Writer.create();
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $util.recursionLimit)
                            throw $Error("max depth exceeded");
                        if (message.nextSeq != null && $Object.hasOwnProperty.call(message, "nextSeq") && message.nextSeq !== 0)
                            writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.nextSeq);
                        if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                            for (let i = 0; i < message.$unknowns.length; ++i)
                                writer.raw(message.$unknowns[i]);
                        return writer;
                    };

                    /**
                     * Decodes a RelayResume message from the specified reader or buffer.
                     * @function decode
                     * @memberof codex.exec_server.relay.v1.RelayResume
                     * @static
                     * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                     * @param {number} [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayResume & codex.exec_server.relay.v1.RelayResume.$Shape} RelayResume
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    RelayResume.decode = function (reader, length, _end, _depth, _target) {
                        if (!(reader instanceof $Reader))
                            reader = $Reader.create(reader);
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $Reader.recursionLimit)
                            throw $Error("max depth exceeded");
                        let end, message, value;
                        if (length === $undefined)
                            end = reader.len;
                        else {
                            end = reader.pos + length;
                            if (end > reader.len)
                                throw $RangeError("index out of range");
                            length = reader.len;
                            reader.len = end;
                        }
                        message = _target || new $root.codex.exec_server.relay.v1.RelayResume();
                        while (reader.pos < end) {
                            let start = reader.pos;
                            let tag = reader.tag();
                            if (tag === _end) {
                                _end = $undefined;
                                break;
                            }
                            let wireType = tag & 7;
                            switch (tag >>>= 3) {
                            case 1: {
                                    if (wireType !== 0)
                                        break;
                                    if (value = reader.uint32())
                                        message.nextSeq = value;
                                    else
                                        delete message.nextSeq;
                                    continue;
                                }
                            }
                            reader.skipType(wireType, _depth, tag);
                            if (!reader.discardUnknown) {
                                $util.makeProp(message, "$unknowns", false);
                                (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                            }
                        }
                        if (length !== $undefined) {
                            if (reader.pos !== end)
                                throw $RangeError("index out of range");
                            reader.len = length;
                        }
                        if (_end !== $undefined)
                            throw $Error("missing end group");
                        return message;
                    };

                    return RelayResume;
                })();

                v1.RelayReset = (function() {

                    /**
                     * Properties of a RelayReset.
                     * @typedef {Object} codex.exec_server.relay.v1.RelayReset.$Properties
                     * @property {string} [reason] RelayReset reason
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */

                    /**
                     * Properties of a RelayReset.
                     * @memberof codex.exec_server.relay.v1
                     * @interface IRelayReset
                     * @augments codex.exec_server.relay.v1.RelayReset.$Properties
                     * @deprecated Use codex.exec_server.relay.v1.RelayReset.$Properties instead.
                     */

                    /**
                     * Shape of a RelayReset.
                     * @typedef {codex.exec_server.relay.v1.RelayReset.$Properties} codex.exec_server.relay.v1.RelayReset.$Shape
                     */

                    /**
                     * Constructs a new RelayReset.
                     * @memberof codex.exec_server.relay.v1
                     * @classdesc Represents a RelayReset.
                     * @constructor
                     * @param {codex.exec_server.relay.v1.RelayReset.$Properties=} [properties] Properties to set
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */
                    const RelayReset = function (properties) {
                        if (properties)
                            for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                                if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                    this[keys[i]] = properties[keys[i]];
                    };

                    /**
                     * RelayReset reason.
                     * @member {string} reason
                     * @memberof codex.exec_server.relay.v1.RelayReset
                     * @instance
                     */
                    RelayReset.prototype.reason = "";

                    /**
                     * Creates a new RelayReset instance using the specified properties.
                     * @function create
                     * @memberof codex.exec_server.relay.v1.RelayReset
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayReset.$Properties=} [properties] Properties to set
                     * @returns {codex.exec_server.relay.v1.RelayReset} RelayReset instance
                     * @type {{
                     *   (properties: codex.exec_server.relay.v1.RelayReset.$Shape): codex.exec_server.relay.v1.RelayReset & codex.exec_server.relay.v1.RelayReset.$Shape;
                     *   (properties?: codex.exec_server.relay.v1.RelayReset.$Properties): codex.exec_server.relay.v1.RelayReset;
                     * }}
                     */
                    RelayReset.create = function(properties) {
                        return new RelayReset(properties);
                    };

                    /**
                     * Encodes the specified RelayReset message. Does not implicitly {@link codex.exec_server.relay.v1.RelayReset.verify|verify} messages.
                     * @function encode
                     * @memberof codex.exec_server.relay.v1.RelayReset
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayReset.$Properties} message RelayReset message or plain object to encode
                     * @param {$protobuf.Writer} [writer] Writer to encode to
                     * @returns {$protobuf.Writer} Writer
                     */
                    RelayReset.encode = function (message, writer, _depth) {
                        if (!writer)
                            writer = $Writer.create();
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $util.recursionLimit)
                            throw $Error("max depth exceeded");
                        if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== "")
                            writer.uint32(/* id 1, wireType 2 =*/10).string(message.reason);
                        if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                            for (let i = 0; i < message.$unknowns.length; ++i)
                                writer.raw(message.$unknowns[i]);
                        return writer;
                    };

                    /**
                     * Decodes a RelayReset message from the specified reader or buffer.
                     * @function decode
                     * @memberof codex.exec_server.relay.v1.RelayReset
                     * @static
                     * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                     * @param {number} [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayReset & codex.exec_server.relay.v1.RelayReset.$Shape} RelayReset
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    RelayReset.decode = function (reader, length, _end, _depth, _target) {
                        if (!(reader instanceof $Reader))
                            reader = $Reader.create(reader);
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $Reader.recursionLimit)
                            throw $Error("max depth exceeded");
                        let end, message, value;
                        if (length === $undefined)
                            end = reader.len;
                        else {
                            end = reader.pos + length;
                            if (end > reader.len)
                                throw $RangeError("index out of range");
                            length = reader.len;
                            reader.len = end;
                        }
                        message = _target || new $root.codex.exec_server.relay.v1.RelayReset();
                        while (reader.pos < end) {
                            let start = reader.pos;
                            let tag = reader.tag();
                            if (tag === _end) {
                                _end = $undefined;
                                break;
                            }
                            let wireType = tag & 7;
                            switch (tag >>>= 3) {
                            case 1: {
                                    if (wireType !== 2)
                                        break;
                                    if ((value = reader.stringVerify()).length)
                                        message.reason = value;
                                    else
                                        delete message.reason;
                                    continue;
                                }
                            }
                            reader.skipType(wireType, _depth, tag);
                            if (!reader.discardUnknown) {
                                $util.makeProp(message, "$unknowns", false);
                                (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                            }
                        }
                        if (length !== $undefined) {
                            if (reader.pos !== end)
                                throw $RangeError("index out of range");
                            reader.len = length;
                        }
                        if (_end !== $undefined)
                            throw $Error("missing end group");
                        return message;
                    };

                    return RelayReset;
                })();

                v1.RelayHeartbeat = (function() {

                    /**
                     * Properties of a RelayHeartbeat.
                     * @typedef {Object} codex.exec_server.relay.v1.RelayHeartbeat.$Properties
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */

                    /**
                     * Properties of a RelayHeartbeat.
                     * @memberof codex.exec_server.relay.v1
                     * @interface IRelayHeartbeat
                     * @augments codex.exec_server.relay.v1.RelayHeartbeat.$Properties
                     * @deprecated Use codex.exec_server.relay.v1.RelayHeartbeat.$Properties instead.
                     */

                    /**
                     * Shape of a RelayHeartbeat.
                     * @typedef {codex.exec_server.relay.v1.RelayHeartbeat.$Properties} codex.exec_server.relay.v1.RelayHeartbeat.$Shape
                     */

                    /**
                     * Constructs a new RelayHeartbeat.
                     * @memberof codex.exec_server.relay.v1
                     * @classdesc Represents a RelayHeartbeat.
                     * @constructor
                     * @param {codex.exec_server.relay.v1.RelayHeartbeat.$Properties=} [properties] Properties to set
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */
                    const RelayHeartbeat = function (properties) {
                        if (properties)
                            for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                                if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                    this[keys[i]] = properties[keys[i]];
                    };

                    /**
                     * Creates a new RelayHeartbeat instance using the specified properties.
                     * @function create
                     * @memberof codex.exec_server.relay.v1.RelayHeartbeat
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayHeartbeat.$Properties=} [properties] Properties to set
                     * @returns {codex.exec_server.relay.v1.RelayHeartbeat} RelayHeartbeat instance
                     * @type {{
                     *   (properties: codex.exec_server.relay.v1.RelayHeartbeat.$Shape): codex.exec_server.relay.v1.RelayHeartbeat & codex.exec_server.relay.v1.RelayHeartbeat.$Shape;
                     *   (properties?: codex.exec_server.relay.v1.RelayHeartbeat.$Properties): codex.exec_server.relay.v1.RelayHeartbeat;
                     * }}
                     */
                    RelayHeartbeat.create = function(properties) {
                        return new RelayHeartbeat(properties);
                    };

                    /**
                     * Encodes the specified RelayHeartbeat message. Does not implicitly {@link codex.exec_server.relay.v1.RelayHeartbeat.verify|verify} messages.
                     * @function encode
                     * @memberof codex.exec_server.relay.v1.RelayHeartbeat
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayHeartbeat.$Properties} message RelayHeartbeat message or plain object to encode
                     * @param {$protobuf.Writer} [writer] Writer to encode to
                     * @returns {$protobuf.Writer} Writer
                     */
                    RelayHeartbeat.encode = function (message, writer, _depth) {
                        if (!writer)
                            writer = $Writer.create();
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $util.recursionLimit)
                            throw $Error("max depth exceeded");
                        if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                            for (let i = 0; i < message.$unknowns.length; ++i)
                                writer.raw(message.$unknowns[i]);
                        return writer;
                    };

                    /**
                     * Decodes a RelayHeartbeat message from the specified reader or buffer.
                     * @function decode
                     * @memberof codex.exec_server.relay.v1.RelayHeartbeat
                     * @static
                     * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                     * @param {number} [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayHeartbeat & codex.exec_server.relay.v1.RelayHeartbeat.$Shape} RelayHeartbeat
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    RelayHeartbeat.decode = function (reader, length, _end, _depth, _target) {
                        if (!(reader instanceof $Reader))
                            reader = $Reader.create(reader);
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $Reader.recursionLimit)
                            throw $Error("max depth exceeded");
                        let end, message;
                        if (length === $undefined)
                            end = reader.len;
                        else {
                            end = reader.pos + length;
                            if (end > reader.len)
                                throw $RangeError("index out of range");
                            length = reader.len;
                            reader.len = end;
                        }
                        message = _target || new $root.codex.exec_server.relay.v1.RelayHeartbeat();
                        while (reader.pos < end) {
                            let start = reader.pos;
                            let tag = reader.tag();
                            if (tag === _end) {
                                _end = $undefined;
                                break;
                            }
                            reader.skipType(tag & 7, _depth, tag);
                            if (!reader.discardUnknown) {
                                $util.makeProp(message, "$unknowns", false);
                                (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                            }
                        }
                        if (length !== $undefined) {
                            if (reader.pos !== end)
                                throw $RangeError("index out of range");
                            reader.len = length;
                        }
                        if (_end !== $undefined)
                            throw $Error("missing end group");
                        return message;
                    };

                    return RelayHeartbeat;
                })();

                v1.RelayHandshake = (function() {

                    /**
                     * Properties of a RelayHandshake.
                     * @typedef {Object} codex.exec_server.relay.v1.RelayHandshake.$Properties
                     * @property {Uint8Array} [payload] RelayHandshake payload
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */

                    /**
                     * Properties of a RelayHandshake.
                     * @memberof codex.exec_server.relay.v1
                     * @interface IRelayHandshake
                     * @augments codex.exec_server.relay.v1.RelayHandshake.$Properties
                     * @deprecated Use codex.exec_server.relay.v1.RelayHandshake.$Properties instead.
                     */

                    /**
                     * Shape of a RelayHandshake.
                     * @typedef {codex.exec_server.relay.v1.RelayHandshake.$Properties} codex.exec_server.relay.v1.RelayHandshake.$Shape
                     */

                    /**
                     * Constructs a new RelayHandshake.
                     * @memberof codex.exec_server.relay.v1
                     * @classdesc Represents a RelayHandshake.
                     * @constructor
                     * @param {codex.exec_server.relay.v1.RelayHandshake.$Properties=} [properties] Properties to set
                     * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                     */
                    const RelayHandshake = function (properties) {
                        if (properties)
                            for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                                if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                    this[keys[i]] = properties[keys[i]];
                    };

                    /**
                     * RelayHandshake payload.
                     * @member {Uint8Array} payload
                     * @memberof codex.exec_server.relay.v1.RelayHandshake
                     * @instance
                     */
                    RelayHandshake.prototype.payload = $util.newBuffer([]);

                    /**
                     * Creates a new RelayHandshake instance using the specified properties.
                     * @function create
                     * @memberof codex.exec_server.relay.v1.RelayHandshake
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayHandshake.$Properties=} [properties] Properties to set
                     * @returns {codex.exec_server.relay.v1.RelayHandshake} RelayHandshake instance
                     * @type {{
                     *   (properties: codex.exec_server.relay.v1.RelayHandshake.$Shape): codex.exec_server.relay.v1.RelayHandshake & codex.exec_server.relay.v1.RelayHandshake.$Shape;
                     *   (properties?: codex.exec_server.relay.v1.RelayHandshake.$Properties): codex.exec_server.relay.v1.RelayHandshake;
                     * }}
                     */
                    RelayHandshake.create = function(properties) {
                        return new RelayHandshake(properties);
                    };

                    /**
                     * Encodes the specified RelayHandshake message. Does not implicitly {@link codex.exec_server.relay.v1.RelayHandshake.verify|verify} messages.
                     * @function encode
                     * @memberof codex.exec_server.relay.v1.RelayHandshake
                     * @static
                     * @param {codex.exec_server.relay.v1.RelayHandshake.$Properties} message RelayHandshake message or plain object to encode
                     * @param {$protobuf.Writer} [writer] Writer to encode to
                     * @returns {$protobuf.Writer} Writer
                     */
                    RelayHandshake.encode = function (message, writer, _depth) {
                        if (!writer)
                            writer = $Writer.create();
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $util.recursionLimit)
                            throw $Error("max depth exceeded");
                        if (message.payload != null && $Object.hasOwnProperty.call(message, "payload") && message.payload.length)
                            writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.payload);
                        if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                            for (let i = 0; i < message.$unknowns.length; ++i)
                                writer.raw(message.$unknowns[i]);
                        return writer;
                    };

                    /**
                     * Decodes a RelayHandshake message from the specified reader or buffer.
                     * @function decode
                     * @memberof codex.exec_server.relay.v1.RelayHandshake
                     * @static
                     * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                     * @param {number} [length] Message length if known beforehand
                     * @returns {codex.exec_server.relay.v1.RelayHandshake & codex.exec_server.relay.v1.RelayHandshake.$Shape} RelayHandshake
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    RelayHandshake.decode = function (reader, length, _end, _depth, _target) {
                        if (!(reader instanceof $Reader))
                            reader = $Reader.create(reader);
                        if (_depth === $undefined)
                            _depth = 0;
                        if (_depth > $Reader.recursionLimit)
                            throw $Error("max depth exceeded");
                        let end, message, value;
                        if (length === $undefined)
                            end = reader.len;
                        else {
                            end = reader.pos + length;
                            if (end > reader.len)
                                throw $RangeError("index out of range");
                            length = reader.len;
                            reader.len = end;
                        }
                        message = _target || new $root.codex.exec_server.relay.v1.RelayHandshake();
                        while (reader.pos < end) {
                            let start = reader.pos;
                            let tag = reader.tag();
                            if (tag === _end) {
                                _end = $undefined;
                                break;
                            }
                            let wireType = tag & 7;
                            switch (tag >>>= 3) {
                            case 1: {
                                    if (wireType !== 2)
                                        break;
                                    if ((value = reader.bytes()).length)
                                        message.payload = value;
                                    else
                                        delete message.payload;
                                    continue;
                                }
                            }
                            reader.skipType(wireType, _depth, tag);
                            if (!reader.discardUnknown) {
                                $util.makeProp(message, "$unknowns", false);
                                (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                            }
                        }
                        if (length !== $undefined) {
                            if (reader.pos !== end)
                                throw $RangeError("index out of range");
                            reader.len = length;
                        }
                        if (_end !== $undefined)
                            throw $Error("missing end group");
                        return message;
                    };

                    return RelayHandshake;
                })();

                return v1;
            })();

            return relay;
        })();

        return exec_server;
    })();

    return codex;
})();

export {
  $root as default
};
