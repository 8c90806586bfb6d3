/** URLs that tenants might send to reach what is inside; `PORT` stands for the listener's. */

/** Spellings that the URL parser takes for an IPv4 address of the loopback range. */
const loopback = [
  ...['127.0.0.1', '127.0.0.1.', '127.0.0.2', '127.0.0.53', '127.1.2.3', '127.255.255.254', '127.127.127.127'],
  ...['127.1', '127.0.1', '127.1.', '127.2', '127.00.00.01', '127.000.000.001', '0177.1'],
  ...['2130706433', '2130706434', '2147483646', '2130706433.', '017700000001', '0017700000001'],
  ...['0x7f000001', '0X7F000001', '0x7F.1', '0x7f.0x1', '0x7f.0x0.0x0.0x1', '0x7f.0.0.1', '0x00007f.0.0.1'],
  ...['0177.0.0.1', '0177.0000.0000.01', '00000177.0.0.01', '0177.0x0.0.1', '127.0x0.00.1', '127.0.0x1', '127.0.01'],
  ...['0x7f.1.', '127.16777214', '127.0x000001', '127.0.65534', '127.0.0xfffe', '0x7f.0x00ffff', '0177.65535'],
  ...['%31%32%37.0.0.1', '127%2e0%2e0%2e1', '127.0.0.%31', '%30x7f.1', '127%2E1', '%32130706433'],
  ...[
    '①②⑦.⓪.⓪.①',
    '１２７.０.０.１',
    '127。0。0。1',
    '127．0．0．1',
    '127｡0｡0｡1',
    '１２７。１',
    '２１３０７０６４３３',
  ],
  ...['𝟏𝟐𝟕.𝟎.𝟎.𝟏', '𝟣𝟤𝟩.𝟢.𝟢.𝟣', '𝟷𝟸𝟽.𝟷', '⑫⑦.0.0.1', '０ｘ７ｆ.１', '¹²⁷.⁰.⁰.¹', '₁₂₇.₁', '127.0.0.①', '1②7.0.0.1'],
  ...['127.0.0.1\u00ad', '12\u200b7.0.0.1', '127.0.\u20600.1', '\ufeff127.0.0.1'],
];

const loopback_ipv6 = [
  ...['[::1]', '[0:0:0:0:0:0:0:1]', '[0000:0000:0000:0000:0000:0000:0000:0001]', '[::0001]', '[0::1]', '[::0:1]'],
  ...['[::0.0.0.1]', '[0:0::0:1]', '[::0:0:0:1]', '[0:0:0:0:0:0:0.0.0.1]'],
];

/** IPv4 addresses that stand for nothing public: "this", private, shared, link-local, metadata, reserved, multicast. */
const inside = [
  ...['0.0.0.0', '0', '0.', '0.0', '00', '0x0', '000000000000', '0.0.0.1', '0.1.2.3', '0.255.255.255', '⓪'],
  ...['10.0.0.1', '10.255.255.254', '167772161', '0xa000001', '012.0.0.1', '10.1', '１０.0.0.1', '10.0.0.1.'],
  ...['172.16.0.1', '172.31.255.254', '0xac100001', '2886729729', '0254.020.0.1', '172.17.0.1'],
  ...['192.168.0.1', '192.168.1.254', '0xc0a80001', '3232235521', '0300.0250.0.1', '192.168.1', '192。168。0。1'],
  ...['100.64.0.1', '100.127.255.254', '100.100.100.200', '0x64646464', '100.64.1'],
  ...['169.254.0.1', '169.254.169.254', '169.254.170.2', '169.254.169.253', '2852039166', '0xa9fea9fe'],
  ...['0xA9.0xFE.0xA9.0xFE', '0251.0376.0251.0376', '169.254.43518', '169.16689662', '①⑥⑨.②⑤④.①⑥⑨.②⑤④'],
  ...['169.254.169.254.', '%31%36%39.254.169.254', '168.63.129.16', '0xa83f8110', '2822734096', '168.4161808'],
  ...['192.0.0.1', '192.0.0.192', '192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '198.19.255.254'],
  ...['192.88.99.1', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255', '4294967295', '0xffffffff'],
];

/** IPv6 addresses that are not global unicast, or carry an IPv4 one inside: mapped, compatible, NAT64, 6to4, Teredo. */
const inside_ipv6 = [
  ...['[::]', '[0:0:0:0:0:0:0:0]', '[::0]', '[::2]', '[::ffff]', '[::127.0.0.1]', '[::7f00:1]', '[::10.0.0.1]'],
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:7f00:0001]', '[::FFFF:127.0.0.2]', '[::ffff:0.0.0.0]'],
  ...[
    '[::ffff:10.0.0.1]',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[::ffff:192.168.0.1]',
    '[::ffff:8.8.8.8]',
  ],
  ...['[::ffff:0:127.0.0.1]', '[::ffff:0:7f00:1]', '[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b::a9fe:a9fe]'],
  ...['[64:ff9b::8.8.8.8]', '[64:ff9b:1::127.0.0.1]', '[64:ff9b:1::a9fe:a9fe]', '[64:ff9b:1:ffff::7f00:1]'],
  ...['[2002:7f00:1::]', '[2002:7f00:0001::1]', '[2002:a9fe:a9fe::]', '[2002:a00:1::1]', '[2002:c0a8:1::1]'],
  ...['[2001::7f00:1]', '[2001:0:7f00:1::]', '[2001:0:4136:e378:8000:63bf:80ff:fffe]', '[2001::1]'],
  ...['[fe80::1]', '[fe80::7f00:1]', '[febf::1]', '[fec0::1]', '[feff::1]', '[fc00::1]', '[fd00::1]', '[fd00::2]'],
  ...['[fd00:ec2::254]', '[fd20:ce::254]', '[fdff:ffff::1]', '[ff02::1]', '[ff02::2]', '[ff05::1:3]', '[ff0e::1]'],
  ...[
    '[2001:db8::1]',
    '[3fff::1]',
    '[2001:10::1]',
    '[2001:20::1]',
    '[2001:2::1]',
    '[100::1]',
    '[5f00::1]',
    '[4000::1]',
  ],
  ...['[2001:1::1]', '[2001:1ff::1]', '[1::1]', '[1fff::1]', '[e000::1]', '[::1:0]', '[::8.8.8.8]'],
];

const hosts = [...loopback, ...loopback_ipv6, ...inside, ...inside_ipv6];

/** Shapes around a host that is inside: other schemes, users, slashes, blanks, ports, and what parsers disagree on. */
const shapes = [
  ...['http://ana@127.0.0.1:PORT/', 'http://ana:secret@127.0.0.1:PORT/', 'https://:@127.0.0.1:PORT/'],
  ...['https://gateway.example@127.0.0.1:PORT/', 'https://gateway.example:443@127.0.0.1:PORT/'],
  ...[
    'https://gateway.example%40127.0.0.1:PORT/',
    'https://127.0.0.1:PORT@gateway.test/',
    'https://a@b@127.0.0.1:PORT/',
  ],
  ...['https://gateway.example%2F@127.0.0.1:PORT/', 'https://gateway.example%23@127.0.0.1:PORT/'],
  ...['http:\\\\127.0.0.1:PORT\\', 'http:/\\127.0.0.1:PORT/', 'http:127.0.0.1:PORT/', 'http:/127.0.0.1:PORT/'],
  ...['http:///127.0.0.1:PORT/', 'http://////127.0.0.1:PORT/', 'https://127.0.0.1:PORT\\@gateway.example/'],
  ...['https://127.0.0.1:PORT\\.gateway.example/', 'https://127.0.0.1:PORT#gateway.example', 'https://[::1]:PORT\\@x/'],
  ...['https://127.0.0.1:PORT?gateway.example', 'https://127.0.0.1:PORT#@gateway.example/', 'https:\\\\[::1]:PORT/'],
  ...['ht\ntp://127.0.0.1:PORT/', 'http://127.0.\t0.1:PORT/', 'http://127\n.0.0.1:PORT/', 'http://127.0.0.1:\rPORT/'],
  ...[' http://127.0.0.1:PORT/', 'http://127.0.0.1:PORT/ ', '\thttp://127.0.0.1:PORT/', '\u0000http://127.0.0.1:PORT/'],
  ...[
    'http://127.0.0.1 :PORT/',
    'http://127.0.0.1\u0000:PORT/',
    'http://127.0.0.1%00:PORT/',
    'http://127.0.0.1%0d:PORT/',
  ],
  ...[
    'http://127.0.0.1%20:PORT/',
    'http://127.0.0.1%23:PORT/',
    'http://127.0.0.1%2f:PORT/',
    'http://127.0.0.1%09:PORT/',
  ],
  ...['HTTP://127.0.0.1:PORT/', 'hTTps://127.0.0.1:PORT/', 'http://127.0.0.1:0PORT/', 'http://127.0.0.1:00000PORT/'],
  ...['http://127.0.0.1:PORT/%2e%2e/', 'http://127.0.0.1:PORT//gateway.example/', 'https://127.0.0.1.:PORT/'],
  ...['http://[::1%25lo]:PORT/', 'http://[fe80::1%25eth0]:PORT/', 'http://[fe80::1%lo]:PORT/', 'http://[::1%lo]:PORT/'],
  ...[
    'http://[::1]127.0.0.1:PORT/',
    'http://[127.0.0.1]:PORT/',
    'http://::1:PORT/',
    'http://[::1:PORT/',
    'http://[]:PORT/',
  ],
  ...['http://[::ffff:127.1]:PORT/', 'http://[::ffff:0x7f000001]:PORT/', 'http://[::ffff:127.0.0.1.]:PORT/'],
  ...[
    'http://[v1.127.0.0.1]:PORT/',
    'http://[[::1]]:PORT/',
    'http://0x7f.0x0.0x0.0x1.:PORT/',
    'http://127.0.0.1..:PORT/',
  ],
  ...['http://256.0.0.1:PORT/', 'http://127.0.0.256:PORT/', 'http://4294967296:PORT/', 'http://2130706433.1:PORT/'],
  ...['http://127.0.0.1.1:PORT/', 'http://0x7f00000001:PORT/', 'http://0x100000000:PORT/', 'http://127..1:PORT/'],
  ...['http://xn--127-:PORT/', 'http://xn--0:PORT/', 'http://xn--127.0.0.1-:PORT/', 'http://-127.0.0.1:PORT/'],
  ...[
    'gopher://127.0.0.1:PORT/_GET%20/',
    'dict://127.0.0.1:PORT/info',
    'ftp://127.0.0.1:PORT/',
    'ldap://127.0.0.1:PORT/',
  ],
  ...[
    'file:///etc/passwd',
    'file://127.0.0.1:PORT/',
    'data:text/plain,x',
    'blob:http://127.0.0.1:PORT/x',
    'about:blank',
  ],
  ...[
    'javascript:fetch("http://127.0.0.1:PORT/")',
    'ws://127.0.0.1:PORT/',
    'wss://127.0.0.1:PORT/',
    'tcp://127.0.0.1:PORT/',
  ],
  ...[
    'unix:///var/run/docker.sock',
    'http+unix://%2Fvar%2Frun%2Fdocker.sock/',
    'netdoc://127.0.0.1:PORT/',
    'jar:http://127.0.0.1:PORT!/',
  ],
  ...[
    'tftp://127.0.0.1:PORT/',
    'sftp://127.0.0.1:PORT/',
    'view-source:http://127.0.0.1:PORT/',
    'feed:http://127.0.0.1:PORT/',
  ],
  ...[
    '//127.0.0.1:PORT/',
    '/\\127.0.0.1:PORT/',
    '127.0.0.1:PORT',
    'localhost:PORT',
    '[::1]:PORT',
    '?http://127.0.0.1:PORT/',
  ],
  ...[
    'http://',
    'https://',
    'http://:PORT/',
    'https://?127.0.0.1:PORT',
    'https://#127.0.0.1:PORT',
    'https:///',
    'http:?x',
  ],
];

/** Names that the system itself knows as this machine, or may. */
export const local_names = [
  ...[
    'localhost',
    'LOCALHOST',
    'localhost.',
    'LocalHost.',
    'ｌｏｃａｌｈｏｓｔ',
    'loc\u00adalhost',
    '%6cocalhost',
    'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ',
  ],
  ...['local%68ost', 'local\thost'],
];

/** Names and what a hostile resolver answers for them. */
export const hostile_answers: Record<string, string[]> = {
  'loopback.test': ['127.0.0.1'],
  'loopback-2.test': ['127.0.0.2'],
  'loopback-6.test': ['::1'],
  'unspecified.test': ['0.0.0.0'],
  'unspecified-6.test': ['::'],
  'mapped.test': ['::ffff:127.0.0.1'],
  'mapped-hex.test': ['::ffff:7f00:1'],
  'compatible.test': ['::127.0.0.1'],
  'translated.test': ['64:ff9b::127.0.0.1'],
  'six-to-four.test': ['2002:7f00:1::'],
  'zoned.test': ['fe80::1%lo'],
  'zoned-loopback.test': ['::1%lo'],
  'metadata.test': ['169.254.169.254'],
  'metadata.google.internal': ['169.254.169.254'],
  'azure.test': ['168.63.129.16'],
  'private.test': ['10.0.0.1'],
  'public-first.test': ['8.8.8.8', '127.0.0.1'],
  'public-last.test': ['127.0.0.1', '8.8.8.8'],
  'public-6-first.test': ['2606:4700::1111', '::1'],
  'public-both.test': ['8.8.8.8', '2606:4700::1111', '127.0.0.3'],
  'far-behind.test': [...Array.from({ length: 30 }, (_, i) => `8.8.4.${i + 1}`), '127.0.0.1'],
  'short.test': ['127.1'],
  'decimal.test': ['2130706433'],
  'no-address.test': ['not an address'],
  'a-name.test': ['localhost'],
  'empty-text.test': [''],
  'nothing.test': [],
  'xn--lcalhost-n1a.test': ['127.0.0.1'],
  '127.0.0.1.nip.test': ['127.0.0.1'],
  '7f000001.rebind.test': ['127.0.0.1'],
};

const under = (scheme: string, names: string[]) => names.map((name) => `${scheme}://${name}:PORT/hook`);
const literals = [...under('https', hosts), ...under('http', hosts), ...shapes];
const names = [...local_names, ...Object.keys(hostile_answers)];
const at = (port: number, urls: string[]) => [...new Set(urls)].map((url) => url.replaceAll('PORT', String(port)));

/** Each leads inside, or nowhere. */
export const hostileUrls = (port: number) => ({
  literals: at(port, literals),
  local: at(port, [...under('https', local_names), ...under('http', local_names)]),
  named: at(port, [...under('https', names), ...under('http', names)]),
});

/** What is reached once these ranges may be: a table of typing errors would prove nothing. */
export const spellings = (port: number) => ({
  '127.0.0.0/8': at(port, under('http', loopback)),
  '::1/128': at(port, under('http', loopback_ipv6)),
});
