import { denseWorld, gardenWorld, grownBodies, population } from './worlds.ts';
import { stillRule } from '../engines/fixtures.ts';
const cpu=()=>{const u=process.threadCpuUsage();return (u.user+u.system)/1e3;};
const e:any=await denseWorld(512,1); const {bodies}=await grownBodies(); const g:any=await gardenWorld(2048,400,bodies,1);
for (const [name,w] of [['dense',e],['garden',g]] as const){
 for(let s=0;s<8;s++) try{ w.setRule(s,{...stillRule(),fireRate:0.5}); }catch{}
 const T=[0,0,0]; const crew=w.crew;
 crew.step=()=>{for(let p=0;p<3;p++){const t=cpu();crew.kernel.lead(p,0);T[p]+=cpu()-t;}};
 await w.step(5); for(let r=0;r<3;r++){T.fill(0); const n=20; await w.step(n);
 console.log(name,'ms: sense',(T[0]/n).toFixed(2),'apply',(T[1]/n).toFixed(2),'settle',(T[2]/n).toFixed(2), await population(w));}
}
