import {serveTasks} from '../../pipeline/serve-tasks.js';
import {toyStages} from './toy-stages.js';

serveTasks(toyStages);
