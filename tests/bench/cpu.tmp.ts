import { denseWorld, gardenWorld, grownBodies, population } from './worlds.ts';
import { instantiateKernel } from '../../server/engines/wasm/kernel.ts';
import { loadModule } from '../../server/engines/wasm/modules.ts';
const cpu=()=>{const u=process.threadCpuUsage();return (u.user+u.system)/1e6;};
const mem=new WebAssembly.Memory({initial:700,maximum:65536,shared:true});
const k=await instantiateKernel(loadModule('engine'),mem);
const B=1<<20; const go=(n:number)=>{for(let i=0;i<n;i++){k.denseBlock(B,B+8192,B+65536,B+40000,48,128,1);k.denseBlock(B+8192,B+32768,B+131072,B+44000,128,16,0);}};
const e=await denseWorld(512,1); const {bodies,source}=await grownBodies(); const g=await gardenWorld(2048,400,bodies,1);
go(2000); await e.step(4); await g.step(4); console.log(source);
for(let r=0;r<4;r++){
 let t=cpu(); go(10000); let s=cpu()-t; const kg=10000*12*16384/s/1e9;
 t=cpu(); await e.step(8); s=(cpu()-t)/8; const dg=512*512/2*16384/s/1e9;
 t=cpu(); await g.step(4); const s2=(cpu()-t)/4; const n=await population(g);
 console.log('kernel',kg.toFixed(1),'GF; dense',(s*1e3).toFixed(1),'ms',dg.toFixed(1),'GF eff',(dg/kg).toFixed(3),'Mcell/s',(512*512/s/1e6).toFixed(2),'; garden',(s2*1e3).toFixed(1),'ms',n,'cells',(n/s2/1e6).toFixed(2),'M living cells/s', g.pageCount);
}
if (process.argv[2]==='prof') await g.step(60);
