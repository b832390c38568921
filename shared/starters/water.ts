/** Starters that live in and by the water. Drawn for this project; CC0. */
import type { StarterArt } from './art.ts';

export const IN_WATER: readonly StarterArt[] = [
  {
    name: 'Frog',
    colours: 'a#1f4d2b b#86d460 c#3f8f38 d#ffffff e#1e1b2a f#5cb548 g#f28b82 h#e9f7cc i#bcd98c j#d9eeb0',
    cells: `
......aaaa........aaaa......
.....abaaca......abaaca.....
....abaddaca....abaddaca....
....aadddeaa....aaedddaa....
....aaddeeaa....aaeeddaa....
....aaddeeaa....aaeeddaa....
....abaddaffaaaaffaddaca....
.....abaafffbbbbfffaaca.....
....abffffffffffffffffca....
...abffffffffaaffffffffca...
...abffaffffffffffffaffca...
..abfggfaaffffffffaafggfca..
..abfggfffaaaaaaaafffggfca..
..abffffffhhhhhhhiffffffca..
.abfffffhhjjjjjjjjhifffffca.
abfffffhjjjjjjjjjjjjifffffca
abffffijjjjjjjjjjjjjjiffffca
abfffffijjjjjjjjjjjjifffffca
accfffcciijjjjjjjjiiccfffcca
.aacccacaaiiiiiiiiaacacccaa.
...aaa................aaa...`,
  },
  {
    name: 'Snail',
    colours:
      'a#5a1c2e b#e27a78 c#c8545e d#9c3648 e#8a5c2a f#f6c8a0 g#1e1b2a h#fae3b4 i#d5a860 j#f1cf8e ' +
      'k#f0a08c',
    cells: `
........aaaaaaa.............
......aabbbbbbbaa...........
.....abbcccccccbda...e....e.
....abcccffffffccda.ege..ege
...abcccffccccfffcdaege..ege
...abccfccccccccfcdaee....ee
..abccfcccffffcccfcdae....ee
..abccfccffccffccffdae....ee
..abcffccfccccffccfdae....ee
..abcfcccfccfccfccfdaheeeeie
..abccfccffffccfccfdahhhhhie
..abccfcccffcccfccfdahjjjjie
..abccffccccccfcccfdahjjjjie
..adcccffccccffccffdahjjjjie
...abcccfffffccccfdaehjkjie.
....adccccccccccfdaehjjjeee.
....aadcccccccccdaaehjjjjie.
.eeeeeadddddddddaeejjjjjie..
eiiiiiiaaaaaaaaaiiiiiiiie...
.eeeeeeeeeeeeeeeeeeeeeee....`,
  },
  {
    name: 'Turtle',
    colours:
      'a#173d33 b#5cab86 c#3f8a6b d#7cc79b e#2d6a54 f#2f5530 g#b2e088 h#66a04b i#8cc765 j#ffffff ' +
      'k#1e1b2a l#f2a08a m#8f7440 n#d9bd78',
    cells: `
........aaaaaaaaaa............
......aabbbbbbbbbbaa..........
.....abbccccddccccbea.........
....abcccccdccdcccccea.fffff..
...abccccccdccdcccccceagggghf.
...abcccccccddccccccceaiiiiihf
..abccddccccccccccddcceaiiijkf
..abcdccdcccddcccdccdceaiiikkf
..abcdccdccdccdccdccdceaiiiihf
.abcccddcccdccdcccddcccealiiff
.abcccccccccddccccccccceaifff.
.abcccccccccccccccccccceahff..
.mmmmmmmmmmmmmmmmmmmmmmmmf....
fmnnnnnnnnnnnnnnnnnnnnnnm.....
.mmmmmmmmmmmmmmmmmmmmmmmm.....
....fgihf........fgihf........
....fhhhf........fhhhf........
....fffff........fffff........`,
  },
  {
    name: 'Whale',
    colours:
      'a#8fd3f4 b#16325e c#2b5ca6 d#66a5ea e#3f7fd0 f#ffffff g#1e1b2a h#f39ab0 i#b4cfe8 j#dfeefa ' +
      'k#9dbbd8',
    cells: `
.........aa..aa...............
........aaa..aaa.............b
........a.aaaa.a....bb......bb
...........aa........bb....bcb
...........aa........bdbb.bdcb
........bbbbbbbb......bddbdecb
.....bbbddddddddbbb...bcedeecb
...bbdddeeeeeeeedddbb.bbeeecbb
..bddeeeeeeeeeeeeeedcb..bdcb..
.bdeeeeeeeeeeeeeeeeeedbbecb...
.bdeeeeeeeeeeeeeeeeeeeddecb...
bdeeeeeeeeeeeeeeeeeeeeeeeecb..
bdeeefgeeeeeeeeeeeeeeeeeeecb..
bdeeeggeeeeeeeeeeeeeeeeeeecb..
bdeeeeehheeeebbeeeeeeeeeecb...
bfffffffffffbdcbffffieeecb....
.fjjjjjjjjjjbdecbjjjieecb.....
.ijjkjjkjjkjbdeecbjjieecb.....
..ijkjjkjjkjbceecbjicccb......
...ikjjkjjkjjbcecbibbbb.......
.....iikjjkjjkbccbb...........
.......iiiiiiiibb.............`,
  },
  {
    name: 'Octopus',
    colours: 'a#3c1b5c b#bf88e6 c#e0bff5 d#9a5cc9 e#713d9f f#ffffff g#ece4f2 h#1e1b2a i#f08fb5 j#e9cdf7',
    cells: `
........aaaaaaaaaa........
......aabbcbbbbcbbaa......
.....abbcddddddddcbea.....
....abdcddddddddddcdea....
...abddcddddddddddcddea...
...abddddddddddddddddea...
..abddddddddddddddddddea..
..abdddaaaddddddaaadddea..
..abddaffgaddddaffgaddea..
..abdafffgaddddafffgadea..
..abdafffhaddddahffgadea..
..abdagfhhaddddahhfgadea..
..abddaghhaddddahhgaddea..
..abdddaaadaddadaaadddea..
aaddiiidddddaadddddiiiddaa
abdddiddddddddddddddidddea
abdddeddddddddddddddedddea
abdddaddddddddddddddadddea
abdea.abdddeeeedddea.abdea
abdea.abjddaaaaddjea.abdea
abjea.abdea....abdea.abjea
abdea.abjea....abjea.abdea
abjea.abdea....abdea.abjea
aeeea.aeeea....aeeea.aeeea
.aaa...aaa......aaa...aaa.`,
  },
  {
    name: 'Axolotl',
    colours:
      'a#98435f b#7c1f40 c#fdcbd7 d#ee7f9d e#b3335e f#fde3ea g#f7a8bd h#d94f7a i#e07f9c j#ffffff ' +
      'k#1e1b2a l#ef6f92',
    cells: `
.............aaaa.............
.bbb......aaaccccaaa......bbb.
.bdeb...aacfcggggcfcaa...bdeb.
.beheb.accfggggggggfcia.bdheb.
..beeeacggggggggggggggiaeeeb..
...bbacggggggggggggggggiabb...
.....acggggggggggggggggia.....
bbbbbacggggggggggggggggiabbbbb
beedeacgjkggggggggggkjgiaedeeb
bbbebacgkkggggggggggkkgiabebbb
...b.acgkkggggggggggkkgia.b...
...bballggggggggggggggllabb...
..bddallgggaggaaggaggglladeb..
.bdheeaiggggaaggaaggggiaeeheb.
.beebb.aiiggggggggggiia.bbeeb.
.bbb....aaiiiggggiiiaa....bbb.
........aaaaaiiiiaaaaa.bb.....
........aicggaaaaggciabddbbb..
........aaggggggggggaadheeb...
..........acggggggiaeeeebb....
.........acggggggggiabbb......
.........aiiiiiiiiiia.........
.........aaaaaaaaaaaa.........`,
  },
  {
    name: 'Crab',
    colours: 'a#64181f b#f5826a c#b43630 d#e2513f e#ffffff f#1e1b2a g#f9a78f h#fbb09a',
    cells: `
..aa........................aa..
.abca...aa............aa...abca.
.abca..aca............aca..abca.
abdddaabdcaaaaa..aaaaabdbaadddca
abdddbbddcaaefa..afeaabddbbdddca
abdddddddcaaefa..afeaabdddddddca
.abdddddca.aca....aca.abdddddca.
.accddddca.aaaaaaaaaa.acddddcca.
..aadddcaaabbbbbbbbbbaaabdddaa..
....abcaabbdgdgddgdgdbcaabca....
....abcabddgddddddddgddcabca....
....acabddddddddddddddddcaca....
....aaabddddddddddddddddcaaa....
.....abddhhddddddddddhhddca.....
...aaaabddhdddaddadddhddcaaaa...
...abbacdddddddaadddddddcabca...
...acddacddddddddddddddcaddca...
....acddaccddddddddddccaddca....
.....acdcaaccccccccccaacdca.....
......acaa.aaaaaaaaaa.aaca......
.......a................a.......`,
  },
];
