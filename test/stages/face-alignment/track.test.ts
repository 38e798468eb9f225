import {describe, expect, test} from 'vitest';
import type {Detection} from '../../../stages/face-alignment/detector.js';
import {SubjectTracker} from '../../../stages/face-alignment/track.js';

const face = (middleX: number, side: number): Detection => ({
  box: {left: middleX - side / 2, top: 100 - side / 2, width: side, height: side},
  score: 0.9,
});
const seen = (timeSeconds: number, ...detections: Detection[]) => ({timeSeconds, frameWidth: 400, detections});

describe("the subject 'largest'", () => {
  test('is the largest face first, and stays the same person when another comes nearer', () => {
    const tracker = new SubjectTracker('largest');
    expect(tracker.next(seen(0, face(100, 60), face(300, 50)))).toEqual(face(100, 60));
    expect(tracker.next(seen(0.1, face(300, 90), face(103, 60)))).toEqual(face(103, 60));
  });

  test('survives a gap: it is awaited where it was, though others are in view', () => {
    const tracker = new SubjectTracker('largest');
    tracker.next(seen(0, face(100, 60)));
    expect(tracker.next(seen(0.2))).toBeUndefined();
    expect(tracker.next(seen(0.4, face(300, 90), face(360, 40)))).toBeUndefined();
    expect(tracker.next(seen(0.6, face(300, 90), face(110, 58)))).toEqual(face(110, 58));
  });

  test('is chosen anew after a gap of more than a second', () => {
    const tracker = new SubjectTracker('largest');
    tracker.next(seen(0, face(100, 60)));
    expect(tracker.next(seen(1.2, face(300, 90), face(360, 40)))).toEqual(face(300, 90));
  });

  test('is a lone face wherever it appears, because cuts move it', () => {
    const tracker = new SubjectTracker('largest');
    tracker.next(seen(0, face(100, 60)));
    expect(tracker.next(seen(0.1, face(320, 90)))).toEqual(face(320, 90));
  });

  test('is not the other person, who is alone in view while the subject is missed', () => {
    const tracker = new SubjectTracker('largest');
    tracker.next(seen(0, face(100, 60), face(300, 55)));
    expect(tracker.next(seen(0.1, face(296, 55)))).toBeUndefined();
    expect(tracker.next(seen(0.2, face(292, 55)))).toBeUndefined();
    expect(tracker.next(seen(0.3, face(95, 60), face(288, 55)))).toEqual(face(95, 60));
  });

  test('is not the other person cheek to cheek, whom the camera moves to where the subject was', () => {
    const tracker = new SubjectTracker('largest');
    tracker.next(seen(0, face(100, 60), face(165, 55)));
    expect(tracker.next(seen(0.1, face(145, 55)))).toBeUndefined();
  });

  test('is not the other person who was out of sight for a moment', () => {
    const tracker = new SubjectTracker('largest');
    tracker.next(seen(0, face(100, 60), face(300, 55)));
    tracker.next(seen(0.1, face(100, 60)));
    expect(tracker.next(seen(0.2, face(300, 55)))).toBeUndefined();
  });

  test('may be the other person once the subject has been lost for more than a second', () => {
    const tracker = new SubjectTracker('largest');
    tracker.next(seen(0, face(100, 60), face(300, 55)));
    for (const timeSeconds of [0.4, 0.8]) expect(tracker.next(seen(timeSeconds, face(300, 55)))).toBeUndefined();
    expect(tracker.next(seen(1.2, face(300, 55)))).toEqual(face(300, 55));
  });

  test('is no other person for being seen twice in one frame', () => {
    const tracker = new SubjectTracker('largest');
    tracker.next(seen(0, face(100, 60), face(112, 50)));
    expect(tracker.next(seen(0.1, face(112, 50)))).toEqual(face(112, 50));
  });
});

describe("the subjects 'left' and 'right'", () => {
  test('are the outermost of several faces, leaving small ones in the background aside', () => {
    const faces = [face(60, 20), face(120, 70), face(300, 60)];
    expect(new SubjectTracker('left').next(seen(0, ...faces))).toEqual(face(120, 70));
    expect(new SubjectTracker('right').next(seen(0, ...faces))).toEqual(face(300, 60));
  });

  test('are not the other person when that one is alone in view', () => {
    const tracker = new SubjectTracker('left');
    tracker.next(seen(0, face(120, 70), face(300, 60)));
    expect(tracker.next(seen(0.1, face(301, 60)))).toBeUndefined();
    expect(tracker.next(seen(0.2, face(125, 70)))).toEqual(face(125, 70));
  });

  test('begin only in their own half of the frame', () => {
    const tracker = new SubjectTracker('left');
    expect(tracker.next(seen(0, face(300, 60)))).toBeUndefined();
    expect(tracker.next(seen(0.1, face(130, 60)))).toEqual(face(130, 60));
  });
});
