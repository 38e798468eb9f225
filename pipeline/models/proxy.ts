/** Which proxy, if any, stands between this machine and an address. */
import {ModelError} from './errors.js';

export interface ProxyChoice {
  /** `--proxy`; wins over the environment. */
  readonly asked?: string | undefined;
  /** HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY in either case are read from here, as curl reads them. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** The proxy for an address; undefined for a direct connection. Throws ModelError 'bad-option' for a bad address. */
export function proxyFor(target: URL, {asked, environment = {}}: ProxyChoice): URL | undefined {
  const read = (name: string) => environment[name.toLowerCase()] ?? environment[name] ?? '';
  if (asked === undefined && isExempt(target, read('NO_PROXY'))) return undefined;
  const chosen = asked ?? (read(target.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') || read('ALL_PROXY'));
  if (chosen === '') return undefined;
  const address = chosen.includes('://') ? chosen : `http://${chosen}`;
  if (/^https?:/.test(address) && URL.canParse(address)) return new URL(address);
  throw new ModelError(
    'bad-option',
    `'${chosen}' is not the address of an HTTP proxy`,
    'Give it as http://host:port; SOCKS proxies are not supported.',
  );
}

/** NO_PROXY is a list of hosts, domains with or without a leading dot, `host:port`, or `*`. */
function isExempt({hostname, port, protocol}: URL, list: string): boolean {
  const actualPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  return list.split(/[\s,]+/).some((item) => {
    const [, domain = '', onlyPort] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(item.toLowerCase()) ?? [];
    if (item === '*') return true;
    if (domain === '' || (onlyPort !== undefined && onlyPort !== actualPort)) return false;
    return hostname === domain || hostname.endsWith(`.${domain}`);
  });
}
