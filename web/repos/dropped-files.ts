// What was dropped onto the page, or chosen: files, and all that folders hold.

import type { UploadFile } from './upload-frames.ts';

/** Returns the files that a drop brings, by their paths from what was dropped on. Call it at once: later, the browser has forgotten. */
export async function droppedFiles(transfer: DataTransfer): Promise<readonly UploadFile[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const files: UploadFile[] = [];
  for (const entry of entries) {
    await collect(entry, files);
  }
  return files;
}

/** Returns the files of a choice; those of a folder by their paths in it, with its name. */
export function chosenFiles(list: FileList): readonly UploadFile[] {
  return [...list].map((file) => ({ path: file.webkitRelativePath || file.name, blob: file }));
}

async function collect(entry: FileSystemEntry, files: UploadFile[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    files.push({ path: entry.fullPath.replace(/^\//, ''), blob: file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // It gives some at a time, and nothing at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) {
      return;
    }
    for (const child of some) {
      await collect(child, files);
    }
  }
}
