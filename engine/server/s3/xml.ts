// The little XML that S3 answers with.

export type XmlValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly XmlValue[]
  | { readonly [name: string]: XmlValue };

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

/**
 * Returns a document. A list is the element again and again, under the name '' what its members hold; what is null or undefined is
 * left out.
 */
export function xml(name: string, value: XmlValue): string {
  const attributes = name === 'Error' ? '' : ` xmlns="${NAMESPACE}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name}${attributes}>${content(value)}</${name}>`;
}

function content(value: XmlValue): string {
  if (value === null || value === undefined) {
    return '';
  }
  if (typeof value !== 'object') {
    return String(value).replace(/[&<>"\r]/g, (c) => ESCAPES[c] ?? c);
  }
  return Object.entries(value)
    .flatMap(([name, each]) =>
      (Array.isArray(each) ? each : [each]).map((one) =>
        one === null || one === undefined
          ? ''
          : name === ''
            ? content(one)
            : `<${name}>${content(one)}</${name}>`,
      ),
    )
    .join('');
}
