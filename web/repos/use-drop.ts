// Files that are dragged over the window.

import { useEffect, useRef, useState } from 'preact/hooks';

/** Returns whether files are over the window; `onDrop` is given what is let go of. */
export function useDrop(onDrop: (transfer: DataTransfer) => void): boolean {
  const [isOver, setOver] = useState(false);
  const latest = useRef(onDrop);
  latest.current = onDrop;
  useEffect(() => {
    // Entering an element comes before leaving the one around it, so they are counted.
    let depth = 0;
    const bringsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const change = (event: DragEvent, by: number) => {
      if (bringsFiles(event)) {
        depth = Math.max(0, depth + by);
        setOver(depth > 0);
      }
    };
    const onEnter = (event: DragEvent) => change(event, 1);
    const onLeave = (event: DragEvent) => change(event, -1);
    const onOver = (event: DragEvent) => {
      if (bringsFiles(event)) {
        event.preventDefault();
      }
    };
    const onLetGo = (event: DragEvent) => {
      if (bringsFiles(event) && event.dataTransfer) {
        event.preventDefault();
        depth = 0;
        setOver(false);
        latest.current(event.dataTransfer);
      }
    };
    const listeners = { dragenter: onEnter, dragleave: onLeave, dragover: onOver, drop: onLetGo };
    for (const [name, listener] of Object.entries(listeners)) {
      window.addEventListener(name, listener as EventListener);
    }
    return () => {
      for (const [name, listener] of Object.entries(listeners)) {
        window.removeEventListener(name, listener as EventListener);
      }
    };
  }, []);
  return isOver;
}
