/** Entry of a worker process. */
import {stages} from '../stages/index.js';
import {serveTasks} from './serve-tasks.js';

serveTasks(stages);
