import { once } from 'node:events';
import { type AddressInfo, connect as connectPlain } from 'node:net';
import { createServer } from 'node:tls';

/** The only name in the certificate. */
export const certifiedName = 'surreal.internal';

// Made for these tests, and of no use elsewhere: nobody trusts the certificate.
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQge9uE4fnWVvkleZ86
J0PfwWp1V1h5RHDoM5DoBAAqWgehRANCAARQd4ATsaNDG9ZQxRELPsxOGaX41WCW
cj71PoPIZbs8xqQZ6ViyWXdR5rAcU9MChCLEENfVelC61CAPgPHVylKo
-----END PRIVATE KEY-----
`;
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBdDCCARmgAwIBAgIBATAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBBzdXJyZWFs
LmludGVybmFsMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAbMRkw
FwYDVQQDDBBzdXJyZWFsLmludGVybmFsMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAEUHeAE7GjQxvWUMURCz7MThml+NVglnI+9T6DyGW7PMakGelYsll3UeawHFPT
AoQixBDX1XpQutQgD4Dx1cpSqKNMMEowGwYDVR0RBBQwEoIQc3VycmVhbC5pbnRl
cm5hbDAMBgNVHRMEBTADAQH/MB0GA1UdDgQWBBRIHzcUi8g0OGC7S9A8i8Zcv16o
7DAKBggqhkjOPQQDAgNJADBGAiEAvpH042U+itrc56Ue2e5Tok7w9NMyFls0hdN9
/VpR1+gCIQCM0RVCEDwKXL61qmtln0/K0xRyKQHPN0Ei/NhVXPnE8g==
-----END CERTIFICATE-----
`;

/** A proxy in front of a server without TLS. */
export interface TlsFront {
  /** By the IP address. */
  readonly url: string;
  /** The names that clients asked for in TLS; false for a client that named none. */
  readonly names: readonly (string | false)[];
  close(): Promise<void>;
}

export async function tlsFront(port: number): Promise<TlsFront> {
  const names: (string | false)[] = [];
  const server = createServer({ key, cert: certificate }, (secure) => {
    names.push((secure as { servername?: string | false }).servername ?? false);
    const plain = connectPlain(port, '127.0.0.1');
    for (const [one, other] of [[secure, plain] as const, [plain, secure] as const]) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `wss://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`;
  return {
    url,
    names,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
