#!/bin/sh
# Makes the demo's clip, runtimes/node/media/clip.ivf: VP8, 640x360, 15 frames/s, 8 s that end where they begin.
# Needs ffmpeg with libvpx and the DejaVu fonts (Debian: apt-get install ffmpeg fonts-dejavu-core).
set -eu
cd "$(dirname "$0")/.."
out=${1:-runtimes/node/media/clip.ivf}
font=/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf

# Every motion is a whole number of turns in 120 frames. ld(0) is the angle; a moon circles over three rows of hills.
turn='st(0,2*PI*N/120)'
moon='hypot(X-320-210*sin(ld(0)),Y-105+45*cos(ld(0)))'
far='235+14*sin(2*PI*X/320+ld(0))+7*sin(2*PI*X/128+ld(0))'
middle='268+18*sin(2*PI*X/640+ld(0)+2)+9*sin(2*PI*X/213.3333+2*ld(0))'
near='312+16*sin(2*PI*X/640+2*ld(0)+4)+6*sin(2*PI*X/160+3*ld(0))'

# colour SKY_TOP SKY_LOW MOON FAR MIDDLE NEAR: one channel of the picture
colour() {
  echo "$turn;if(gt(Y,$near),$6,if(gt(Y,$middle),$5,if(gt(Y,$far),$4,if(lt($moon,34),$3,($1)+(($2)-($1))*pow(Y/260,1.4)+60*exp(-$moon/40)))))"
}
# Quoted, because a semicolon would end the filter.
picture="geq=r='$(colour 22 236 255 92 54 20)':g='$(colour 26 128 244 62 40 22)':b='$(colour 72 104 214 98 78 46)'"
name="drawtext=fontfile=$font:text=lenskey:fontsize=72:fontcolor=white:shadowcolor=0x00000080:shadowx=3:shadowy=3:x=(w-tw)/2:y=132"
line="drawtext=fontfile=$font:text='demo camera':fontsize=18:fontcolor=0xffffffc0:x=(w-tw)/2:y=334"

ffmpeg -hide_banner -loglevel error -y -f lavfi -i "color=black:s=640x360:r=15:d=8,format=gbrp,$picture,format=yuv420p,$name,$line" \
  -c:v libvpx -b:v 330k -minrate 0 -maxrate 500k -bufsize 500k -crf 12 -g 15 -keyint_min 15 -auto-alt-ref 0 -lag-in-frames 0 \
  -deadline best -cpu-used 0 -threads 1 -frames:v 120 -f ivf "$out"
