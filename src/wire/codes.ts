// RFC 6455, sections 5.2 and 7.4, with what IANA's registries have added.

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** What a close is called that came without a code, and one that never came; neither may be sent. */
export const noStatus = 1005;
export const noClose = 1006;

/** Whether a peer may send it. */
export const isCloseCode = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== noStatus && code !== noClose) || (code >= 3000 && code <= 4999);
