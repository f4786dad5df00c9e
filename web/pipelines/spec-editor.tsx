// A field for a spec: lines are numbered, and the one with a mistake is marked.

import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';

const INDENT = '  ';

/** Draws the field. `problemLine` is counted from 1. */
export function SpecEditor({
  text,
  onInput,
  problemLine,
  describedBy,
}: {
  readonly text: string;
  readonly onInput: (text: string) => void;
  readonly problemLine: number | undefined;
  readonly describedBy: string;
}): JSX.Element {
  const gutter = useRef<HTMLDivElement>(null);
  const lines = text.split('\n').length;
  const onKey = (event: KeyboardEvent) => {
    const field = event.currentTarget as HTMLTextAreaElement;
    if (event.key === 'Enter' && !event.shiftKey && !event.ctrlKey) {
      const before = field.value.slice(0, field.selectionStart);
      const [indent = ''] = /^ */.exec(before.slice(before.lastIndexOf('\n') + 1)) ?? [];
      const deeper = /[{[:]\s*$/.test(before) ? INDENT : '';
      event.preventDefault();
      // Unlike setting the value, this can be undone.
      document.execCommand('insertText', false, `\n${indent}${deeper}`);
    }
  };
  return (
    <div class="editor">
      <div class="gutter" ref={gutter} aria-hidden="true">
        {Array.from({ length: lines }, (_, index) => (
          <div key={index} class={index + 1 === problemLine ? 'wrong' : undefined}>
            {index + 1}
          </div>
        ))}
      </div>
      <textarea
        aria-label="Spec, as JSON or YAML"
        aria-describedby={describedBy}
        aria-invalid={problemLine !== undefined}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        wrap="off"
        rows={Math.max(18, lines + 1)}
        value={text}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={onKey}
      />
    </div>
  );
}
