/** One published video with its annotation, as every data set is turned into. */
export interface Clip {
  /** Unique among the clips of a data set; shown to the user, never part of a fingerprint. */
  readonly name: string;
  /** Who is seen; clips of one subject never stand on both sides of a fold. */
  readonly subject: string;
  /** The official partition the clip belongs to, where the data set has one. */
  readonly part?: 'train' | 'validation' | 'test';
  /** Absolute paths. */
  readonly video: string;
  /** Absent for clips of the test part, which stand in no fold. */
  readonly annotation?: string;
  /** Which of two people in view the annotation is of, as seen in the image. */
  readonly side?: Side;
  readonly transcript?: string;
  /** Folder of the face images that were published with the video, one per frame. */
  readonly croppedAligned?: string;
  /** Features made with other programs, by modality. */
  readonly features?: Readonly<Partial<Record<Modality, string>>>;
}

export type Side = 'left' | 'right';

export type Modality = 'visual' | 'acoustic' | 'linguistic';

export interface Dataset {
  readonly clips: readonly Clip[];
  /** What the user should know about the files that were found, such as annotations without a video. */
  readonly remarks: readonly string[];
}
